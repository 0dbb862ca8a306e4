//! Logs of many tools, and what is made of them.

mod hostile;
mod small;

use super::*;
use crate::testing::tokens;

/// The whole text of an explanation, for a log of which everything was read.
fn explained(log: &str) -> String {
    explain(log, Some(1)).within(2_400).show()
}

/// A log as long as they are: the line marked as filler, a thousand times.
fn long(log: &str) -> String {
    let mut long = String::new();
    for line in log.lines() {
        match line.strip_prefix("FILLER ") {
            Some(filler) => {
                for number in 0..1000 {
                    long.push_str(&filler.replace("{}", &number.to_string()));
                    long.push('\n');
                }
            }
            None => {
                long.push_str(line);
                long.push('\n');
            }
        }
    }
    long
}

const LOGS: [&str; 8] = [
    include_str!("cargo.log"),
    include_str!("jest.log"),
    include_str!("pytest.log"),
    include_str!("maven.log"),
    include_str!("gradle.log"),
    include_str!("go.log"),
    include_str!("docker.log"),
    include_str!("shell.log"),
];

#[test]
fn the_median_of_explanations_takes_less_than_400_tokens() {
    let mut counts = LOGS.map(|log| tokens(&explained(&long(log))));
    counts.sort_unstable();
    assert!(counts[4] <= 400, "{counts:?}");
    assert!(counts[7] <= 600, "{counts:?}");
}

#[test]
fn explains_a_log_of_cargo() {
    insta::assert_snapshot!(explained(&long(include_str!("cargo.log"))), @r#"
    failed command: "cargo test --locked" (log line 1)
    failed test "cart::tests::rounds_up" at "src/cart.rs:48:9" (log line 1021):
      thread 'cart::tests::rounds_up' panicked at src/cart.rs:48:9:
      assertion `left == right` failed: half a cent rounds up
      left: 1049
      right: 1050
    before and in total: "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s"
    "#);
}

#[test]
fn explains_a_log_of_jest() {
    insta::assert_snapshot!(explained(&long(include_str!("jest.log"))), @r#"
    failed command: "npm test" (exit code 1, log line 1004)
    failed test "cart › adds the tax" at "src/cart.test.js:14:26" (log line 1012):
      Expected: 119
      Received: 118.99999999999999
    failed test "cart › refuses a negative amount" at "src/cart.js:21:12" (log line 1029):
      TypeError: Cannot read properties of undefined (reading 'amount')
    before and in total: "Tests: 2 failed, 46 passed, 48 total", "ran: npm ci"
    "#);
}

#[test]
fn explains_a_log_of_pytest() {
    insta::assert_snapshot!(explained(&long(include_str!("pytest.log"))), @r#"
    failed command: "pytest -q" (log line 1002)
    failed test "ERROR at setup of test_checkout" at "tests/conftest.py:9" (log line 1005):
      psycopg.OperationalError: connection refused
    failed test "test_total_rounds" at "tests/test_cart.py:31" (log line 1017):
      AssertionError: assert Decimal('1.0') == Decimal('1.05')
      + where Decimal('1.0') = total([Line(price='0.105')])
    before and in total: "1 failed, 17 passed, 1 error in 2.31s", "ran: pip install -r requirements.txt"
    "#);
}

#[test]
fn explains_a_log_of_maven() {
    insta::assert_snapshot!(explained(&long(include_str!("maven.log"))), @r#"
    failed command: "mvn -B verify" (log line 1)
    failed test "com.acme.shop.CartTest.addsTax" at "CartTest.java:32" (log line 1007):
      org.opentest4j.AssertionFailedError: expected: <119> but was: <118>
    before and in total: "Tests run: 48, Failures: 1, Errors: 0, Skipped: 0"
    "#);
}

#[test]
fn explains_a_log_of_gradle() {
    insta::assert_snapshot!(explained(&long(include_str!("gradle.log"))), @r#"
    failed command: "./gradlew build --no-daemon" (log line 1)
    compile error at "src/main/kotlin/Cart.kt:17:22" (log line 1003):
      e: file:///opt/atlassian/pipelines/agent/build/src/main/kotlin/Cart.kt:17:22 Unresolved reference 'totl'.
    compile error at "src/main/kotlin/Cart.kt:23:9" (log line 1004):
      e: file:///opt/atlassian/pipelines/agent/build/src/main/kotlin/Cart.kt:23:9 Type mismatch: inferred type is String but Int was expected.
    "#);
}

#[test]
fn explains_a_log_of_go() {
    insta::assert_snapshot!(explained(&long(include_str!("go.log"))), @r#"
    failed command: "go test ./..." (log line 1002)
    failed test "TestTotal/rounds_half_a_cent" at "cart_test.go:41" (log line 1005):
      cart_test.go:41: Total() = 1049, want 1050
    before and in total: "ran: go vet ./..."
    "#);
}

#[test]
fn explains_a_log_of_docker() {
    insta::assert_snapshot!(explained(&long(include_str!("docker.log"))), @r#"
    failed command: "docker build -t acme/shop:$BITBUCKET_COMMIT ." (exit code 1, log line 1)
    package error (log line 1006), 1 more times:
      npm error code ERESOLVE
      npm error ERESOLVE could not resolve
      npm error While resolving: react-dom@18.3.1
      npm error Found: react@17.0.2
      npm error Could not resolve dependency:
      npm error peer react@"^18.3.1" from react-dom@18.3.1
    "#);
}

#[test]
fn explains_a_log_of_shell() {
    insta::assert_snapshot!(explained(&long(include_str!("shell.log"))), @r#"
    failed command: "terraform apply -auto-approve" (log line 1005)
    later commands ran, the last: "echo \"exit $BITBUCKET_EXIT_CODE\""
    missing command (log line 1006):
      bash: line 7: terraform: command not found
    before and in total: "ran: ./scripts/prepare.sh"
    "#);
}
