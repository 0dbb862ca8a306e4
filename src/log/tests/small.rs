//! Logs of a few lines, one for each kind of failure.

use super::explained;
use crate::log::explain;

#[test]
fn explains_tsc() {
    let log = r#"+ npx tsc --noEmit
src/a.ts(3,5): error TS2304: Cannot find name 'total'.
src/b.ts(9,1): error TS2322: Type 'string' is not assignable to type 'number'.
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npx tsc --noEmit" (log line 1)
    compile error at "src/a.ts:3:5" (log line 2):
      src/a.ts(3,5): error TS2304: Cannot find name 'total'.
    compile error at "src/b.ts:9:1" (log line 3):
      src/b.ts(9,1): error TS2322: Type 'string' is not assignable to type 'number'.
    "#);
}

#[test]
fn explains_eslint() {
    let log = r#"+ npx eslint .

/opt/atlassian/pipelines/agent/build/src/cart.js
   3:7   error    'tax' is assigned a value but never used  no-unused-vars
   9:1   warning  Unexpected console statement              no-console

✖ 2 problems (1 error, 1 warning)

"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npx eslint ." (log line 1)
    lint error at "src/cart.js:3:7" (log line 4):
      3:7   error    'tax' is assigned a value but never used  no-unused-vars
    before and in total: "✖ 2 problems (1 error, 1 warning)"
    "#);
}

#[test]
fn explains_a_time_limit() {
    let log = r#"+ ./wait.sh
waiting
waiting
Build teardown
The step exceeded the maximum time limit of 120 minutes.
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "./wait.sh" (log line 1)
    time limit (log line 5):
      The step exceeded the maximum time limit of 120 minutes.
    "#);
}

#[test]
fn explains_memory_that_ran_out() {
    let log = r#"+ npm run build
creating an optimized build
Killed
npm error code 137
Container 'Build' exceeded memory limit.
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npm run build" (exit code 137, log line 1)
    out of memory (log line 5):
      Container 'Build' exceeded memory limit.
    out of memory (log line 3):
      Killed
    "#);
}

#[test]
fn explains_a_missing_variable() {
    let log = r#"+ set -u
+ ./deploy.sh
./deploy.sh: line 4: AWS_REGION: unbound variable
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "./deploy.sh" (log line 2)
    missing variable (log line 3):
      ./deploy.sh: line 4: AWS_REGION: unbound variable
    before and in total: "ran: set -u"
    "#);
}

#[test]
fn explains_clippy() {
    let log = r#"+ cargo clippy -- -D warnings
error: this expression creates a reference which is immediately dereferenced
  --> src/a.rs:4:9
   |
4  |     f(&x)
   |       ^^ help: change this to: `x`
   |
   = help: for further information visit https://rust-lang.github.io/rust-clippy/master/index.html#needless_borrow
   = note: `-D clippy::needless-borrow` implied by `-D warnings`

error: could not compile `shop` (lib) due to 1 previous error
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "cargo clippy -- -D warnings" (log line 1)
    lint error at "src/a.rs:4:9" (log line 2):
      error: this expression creates a reference which is immediately dereferenced
        --> src/a.rs:4:9
         |
      4  |     f(&x)
         |       ^^ help: change this to: `x`
         |
         = help: for further information visit https://rust-lang.github.io/rust-clippy/master/index.html#needless_borrow
         = note: `-D clippy::needless-borrow` implied by `-D warnings`
    "#);
}

#[test]
fn explains_rustc() {
    let log = r#"+ cargo build
error[E0308]: mismatched types
 --> src/main.rs:2:18
  |
2 |     let x: i32 = "a";
  |            ---   ^^^ expected `i32`, found `&str`

error: could not compile `shop` (bin "shop") due to 1 previous error
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "cargo build" (log line 1)
    compile error at "src/main.rs:2:18" (log line 2):
      error[E0308]: mismatched types
       --> src/main.rs:2:18
        |
      2 |     let x: i32 = "a";
        |            ---   ^^^ expected `i32`, found `&str`
    "#);
}

#[test]
fn explains_a_python_program() {
    let log = r#"+ python manage.py migrate
Traceback (most recent call last):
  File "/opt/atlassian/pipelines/agent/build/manage.py", line 22, in <module>
    main()
  File "/usr/local/lib/python3.12/site-packages/django/core/management/__init__.py", line 442, in execute
    raise x
ModuleNotFoundError: No module named 'shop.settings'
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "python manage.py migrate" (log line 1)
    missing file at "manage.py:22" (log line 2):
        File "/opt/atlassian/pipelines/agent/build/manage.py", line 22, in <module>
      ModuleNotFoundError: No module named 'shop.settings'
    "#);
}

#[test]
fn explains_vitest() {
    let log = r#"+ npx vitest run
 ❯ src/a.test.ts (2 tests | 1 failed) 5ms

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  src/a.test.ts > cart > adds
AssertionError: expected 3 to be 4 // Object.is equality

- Expected
+ Received

- 4
+ 3

 ❯ src/a.test.ts:5:20

⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed (2)
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npx vitest run" (log line 1)
    failed test "src/a.test.ts > cart > adds" at "src/a.test.ts:5:20" (log line 6):
      AssertionError: expected 3 to be 4 // Object.is equality
      - 4
      + 3
    before and in total: "Tests 1 failed | 1 passed (2)"
    "#);
}

#[test]
fn explains_mocha() {
    let log = r#"+ npx mocha
  cart
    ✔ sums
    1) adds the tax


  1 passing (5ms)
  1 failing

  1) cart
       adds the tax:

      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

118 !== 119

      + expected - actual

      -118
      +119
      
      at Context.<anonymous> (test/cart.js:8:12)
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npx mocha" (log line 1)
    failed test "cart adds the tax" at "test/cart.js:8:12" (log line 10):
      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
      118 !== 119
      -118
      +119
    before and in total: "1 passing (5ms)", "1 failing"
    "#);
}

#[test]
fn explains_rspec() {
    let log = r#"+ bundle exec rspec
.F

Failures:

  1) Cart adds the tax
     Failure/Error: expect(cart.total).to eq(119)

       expected: 119
            got: 118

       (compared using ==)
     # ./spec/cart_spec.rb:7:in `block (2 levels) in <top (required)>'

Finished in 0.01 seconds
2 examples, 1 failure

Failed examples:

rspec ./spec/cart_spec.rb:5 # Cart adds the tax
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "bundle exec rspec" (log line 1)
    failed test "Cart adds the tax" at "./spec/cart_spec.rb:7" (log line 6):
      Failure/Error: expect(cart.total).to eq(119)
      expected: 119
      got: 118
    before and in total: "2 examples, 1 failure"
    "#);
}

#[test]
fn explains_phpunit() {
    let log = r#"+ vendor/bin/phpunit
There was 1 failure:

1) App\Tests\CartTest::testTax
Failed asserting that 118 matches expected 119.

/opt/atlassian/pipelines/agent/build/tests/CartTest.php:17

FAILURES!
Tests: 2, Assertions: 2, Failures: 1.
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "vendor/bin/phpunit" (log line 1)
    failed test "App\\Tests\\CartTest::testTax" at "tests/CartTest.php:17" (log line 4):
      Failed asserting that 118 matches expected 119.
    before and in total: "Tests: 2, Assertions: 2, Failures: 1."
    "#);
}

#[test]
fn explains_dotnet() {
    let log = r#"+ dotnet test
  Failed Shop.CartTests.AddsTax [12 ms]
  Error Message:
   Assert.Equal() Failure: Values differ
Expected: 119
Actual:   118
  Stack Trace:
     at Shop.CartTests.AddsTax() in /opt/atlassian/pipelines/agent/build/CartTests.cs:line 14

Failed!  - Failed:     1, Passed:     5, Skipped:     0, Total:     6, Duration: 20 ms
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "dotnet test" (log line 1)
    failed test "Shop.CartTests.AddsTax" at "CartTests.cs:14" (log line 2):
      Assert.Equal() Failure: Values differ
      Expected: 119
      Actual: 118
    before and in total: "Failed! - Failed: 1, Passed: 5, Skipped: 0, Total: 6, Duration: 20 ms"
    "#);
}

#[test]
fn explains_unittest() {
    let log = r#"+ python -m unittest
.F
======================================================================
FAIL: test_tax (tests.CartTest.test_tax)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/opt/atlassian/pipelines/agent/build/tests.py", line 9, in test_tax
    self.assertEqual(total(), 119)
AssertionError: 118 != 119

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "python -m unittest" (log line 1)
    failed test "test_tax (tests.CartTest.test_tax)" at "tests.py:9" (log line 4):
      AssertionError: 118 != 119
    before and in total: "Ran 2 tests in 0.001s", "FAILED (failures=1)"
    "#);
}

#[test]
fn explains_gradle_tests() {
    let log = r#"+ gradle test
> Task :test FAILED

CartTest > addsTax() FAILED
    org.opentest4j.AssertionFailedError: expected: <119> but was: <118>
        at app//org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)
        at app//com.acme.CartTest.addsTax(CartTest.java:14)

3 tests completed, 1 failed

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':test'.
> There were failing tests. See the report at: file:///x/index.html

BUILD FAILED in 3s
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "gradle test" (log line 1)
    failed test "CartTest > addsTax()" at "CartTest.java:14" (log line 4):
      org.opentest4j.AssertionFailedError: expected: <119> but was: <118>
    before and in total: "3 tests completed, 1 failed"
    "#);
}

#[test]
fn explains_a_silent_command() {
    let log = r#"+ npm ci
added 3 packages
+ test -f dist/index.js
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "test -f dist/index.js" (log line 3)
    no line of the log that was read says why
    before and in total: "ran: npm ci"
    "#);
}

#[test]
fn explains_gcc_and_make() {
    let log = r#"+ make
gcc -c main.c -o main.o
main.c: In function 'main':
main.c:4:5: error: 'x' undeclared (first use in this function)
    4 |     x = 1;
      |     ^
main.c:4:5: note: each undeclared identifier is reported only once
make: *** [Makefile:2: main.o] Error 1
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "make" (exit code 1, log line 1)
    compile error at "main.c:4:5" (log line 4):
      main.c:4:5: error: 'x' undeclared (first use in this function)
          4 |     x = 1;
            |     ^
    "#);
}

#[test]
fn explains_prettier() {
    let log = r#"+ npx prettier --check .
Checking formatting...
[warn] src/a.ts
[warn] Code style issues found in the above file. Run Prettier with --write to fix.
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "npx prettier --check ." (log line 1)
    lint error (log line 3):
      [warn] src/a.ts
      [warn] Code style issues found in the above file. Run Prettier with --write to fix.
    "#);
}

#[test]
fn explains_a_push_that_is_denied() {
    let log = r#"+ docker push acme/shop:1
The push refers to repository [docker.io/acme/shop]
denied: requested access to the resource is denied
"#;
    insta::assert_snapshot!(explained(log), @r#"
    failed command: "docker push acme/shop:1" (log line 1)
    package error (log line 3):
      denied: requested access to the resource is denied
    "#);
}

#[test]
fn says_that_the_reason_lies_before_a_window_without_one() {
    let window = "npm error code 1\nnpm error path /build\n";
    insta::assert_snapshot!(explain(window, None).show(), @"
    exit code 1
    consequence:
      npm error code 1
    consequence:
      npm error path /build
    the reason seems to lie before the part of the log that was read
    ");
}
