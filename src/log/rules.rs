//! What single lines say: the first rule that fits a line is its meaning.
//!
//! All patterns are matched at once (`RegexSet`), so that a line costs the same however many there
//! are. Their order is precedence: what looks like an error and is none comes first, what follows
//! from another error stands before the general form of it, and any mention of an error comes last.

use std::sync::LazyLock;

use regex::RegexSet;

use super::Kind;

/// What a line means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    /// How likely it is the reason, from 0 to 100.
    pub(super) weight: u8,
    pub(super) take: Take,
}

/// Which of the lines that follow belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// None.
    Line,
    /// Those up to an empty line, at most so many.
    Paragraph(usize),
    /// Those that are indented more, at most so many.
    Indented(usize),
    /// Those that a package manager marks with the same first word.
    SameMark(usize),
    /// The whole trace of a Python program: its end says what happened.
    Traceback,
    /// The frames of a stack, of which the first of our own sources counts.
    Stack,
    /// The line above names the file.
    UnderHeading,
}

/// From this weight on, a line says why something failed; below, it says only that it did.
pub(super) const REASON: u8 = 50;

/// What `line` means, if anything.
pub(super) fn rule(line: &str) -> Option<Rule> {
    let set = SET.as_ref()?;
    if line.trim().is_empty() {
        return None;
    }
    let first = set.matches(line).iter().next()?;
    RULES.get(first).and_then(|(_, rule)| *rule)
}

static SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(RULES.iter().map(|(pattern, _)| pattern)).ok());

const fn is(kind: Kind, weight: u8, take: Take) -> Option<Rule> {
    Some(Rule { kind, weight, take })
}

/// No error, whatever words it holds.
const NOTHING: Option<Rule> = None;

use Kind::{
    Compile, Consequence, Disk, Error, Exception, Image, Lint, Memory, MissingCommand, MissingFile,
    Network, Package, Permission, Pipeline, Test, Timeout, Variable,
};
use Take::{Indented, Line, Paragraph, SameMark, Stack, Traceback, UnderHeading};

const RULES: &[(&str, Option<Rule>)] = &[
    (r"^\[warn\] (?:Code style issues|\S+\.\w+$)", is(Lint, 84, SameMark(8))),
    // Warnings, passed tests, progress, and totals of nothing.
    (r"(?i)^\s*(?:\[?(?:warn|warning|info|debug|notice|trace)\b\]?(?:$|[\s:\[(]).*)", NOTHING),
    (r"(?i)^(?:npm|yarn|pnpm) (?:warn|notice)\b", NOTHING),
    (r"(?i)^\S+?[:(]\d+(?:[:,]\d+)?\)?:? (?:warning|note|info)\b", NOTHING),
    (r"^w: |^WARNING:|level=(?:warning|info|debug)|^(?:DEPRECATION|Deprecation)", NOTHING),
    (r"^\s*\d+:\d+\s+warning\s", NOTHING),
    (
        r"^\s*(?:✓|✔|√|☑|PASS(?:ED)?\b|ok\b|--- PASS|=== (?:RUN|PAUSE|CONT)|\[ +OK +\]|\[ RUN +\])",
        NOTHING,
    ),
    (r"(?:\.\.\. ok|\bPASSED|\bPASS|\bok)(?: *\(.*\)| *\[.*\])?$", NOTHING),
    (
        r"^\s*(?:Compiling|Downloading|Downloaded|Installing|Collecting|Adding|Building|Checking|Fetching|Unpacking|Setting up|Get:\d+|Copying|Requirement already|Using cached|creating|copying|inflating|adding:)\s",
        NOTHING,
    ),
    (r"^ERROR: pip's dependency resolver", NOTHING),
    (
        r"^\[ERROR\] (?:To see the full|Re-run Maven|For more information|\[Help|After correcting|-> \[Help)|^\[ERROR\]\s*$",
        NOTHING,
    ),
    (
        r"^\[ERROR\] (?:COMPILATION ERROR|Failures:|Errors:|\d+ errors?\s*$|There are test failures|Please refer to|See .* for the individual)",
        NOTHING,
    ),
    (r"^(?:> )?\* (?:Try|Exception is|Get more help)|^> (?:Run with|Get more help)", NOTHING),
    (
        r"(?i)A complete log of this run can be found|npm (?:ERR!|error)\s*$|For a full report see",
        NOTHING,
    ),
    (r"(?i)\b(?:error|errors|failure|failures|failed|fail)[:=] ?0\b(?:$|[^.\d])", NOTHING),
    (
        r"^#\d+ (?:\[|DONE|CACHED|sha256:|extracting|transferring|resolve|naming|exporting|writing)",
        NOTHING,
    ),
    (r"^ +\d+(?: warnings?)? \| >>> |^-+$|^=+$|^_+$", NOTHING),
    // Bitbucket itself, and the machine.
    (r"(?i)exceeded (?:the |its )?memory limit", is(Memory, 100, Line)),
    (
        r"(?i)exceeded (?:the |its )?(?:maximum |max |step |build )?(?:time ?limit|time ?out|time allowed|build time|execution time)|\bstep (?:has )?timed out\b",
        is(Timeout, 100, Line),
    ),
    (
        r"(?i)JavaScript heap out of memory|java\.lang\.OutOfMemoryError|\bOut of memory\b|\boom[- _]?kill|\bOOMKilled\b|Cannot allocate memory|std::bad_alloc|^MemoryError|signal: 9, SIGKILL|memory allocation of \d+ bytes failed|runtime: out of memory|Gradle build daemon disappeared|command terminated by signal Killed|\bcompiler: fatal error: Killed signal",
        is(Memory, 97, Line),
    ),
    (
        r"(?i)\bexit(?:ed)?(?: with)?(?: code| status| value)?:? 137\b|(?:^|[:\d] +)Killed(?:\s|$)|non-zero code: 137",
        is(Memory, 92, Line),
    ),
    (r"(?i)No space left on device|disk quota exceeded|\bENOSPC\b", is(Disk, 96, Line)),
    (
        r"(?i)bitbucket-pipelines\.yml.*(?:invalid|error|problem)|There is an error in your bitbucket-pipelines|Artifacts? .*exceeds? |(?:image|step|service) .*could not be (?:pulled|started)",
        is(Pipeline, 94, Line),
    ),
    // The shell, and variables.
    (
        r": unbound variable$|: parameter (?:null or )?not set$|^(?:bash|sh|/\S+): .*: parameter",
        is(Variable, 93, Line),
    ),
    (
        r"(?i)^[^a-z]*\b(?:missing|undefined|unset) (?:required )?(?:environment|env|configuration|repository|deployment)? ?variables?\b|required (?:environment |env )?variable|(?:environment |env )variable .{0,80}\b(?:is )?(?:not (?:set|defined|found)|missing|required|undefined|unset|must be set|empty)|^KeyError: '[A-Z][A-Z0-9_]+'|\$?\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b (?:is |was |environment variable )?(?:not set|missing|undefined|unset|must be set|is required|not defined|required|not provided)",
        is(Variable, 90, Line),
    ),
    (
        r"^make(?:\[\d+\])?: .*(?:\*\*\* No rule to make target|\*\*\* No targets)",
        is(MissingFile, 85, Line),
    ),
    (
        r"^(?:/\S*sh|\S*sh|\S+\.sh): (?:line )?(?:\d+: )?.*: (?:command )?not found$|: command not found\b|executable file not found in \$?PATH|is not recognized as an internal or external command|^env: .*: No such file|npm (?:ERR!|error) (?:Missing script|missing script)|error: no such (?:sub)?command|^error Command \S+ not found|\bcommand \S+ does not exist|^ERR_PNPM_NO_SCRIPT|/bin/sh: .*: not found",
        is(MissingCommand, 92, Line),
    ),
    // Compilers.
    (
        r"^error: could not compile|^error: aborting due to|^error: test failed, to rerun|^error: \d+ (?:targets?|tests?) failed|^error: build failed|^error: doctest failed|^warning: build failed",
        is(Consequence, 10, Line),
    ),
    (
        r"^error: (?:failed to (?:get|load|select|download|fetch|parse manifest|resolve|query)|no matching package|the lock file|package .* (?:cannot|requires)|checksum)",
        is(Package, 86, Paragraph(12)),
    ),
    (r"^error(?:\[\w+\])?: ", is(Compile, 88, Paragraph(14))),
    (
        r"^\S+\.[cm]?[jt]sx?(?:\(\d+,\d+\)|:\d+:\d+)(?::| -) error TS\d+|^error TS\d+",
        is(Compile, 90, Indented(4)),
    ),
    (
        r"^(?:\[ERROR\] |\[error\] )?\S+\.(?:java|scala|kt|groovy):\[\d+,\d+\] ",
        is(Compile, 90, SameMark(4)),
    ),
    (r"^\[error\] .*\.scala:\d+", is(Compile, 90, Line)),
    (r"^e: (?:file://)?\S+", is(Compile, 90, Line)),
    (r"^\[ERROR\] \S+\.\w+:\[?\d+.*\[\w+\]\s*$|^\[ant:checkstyle\] \[ERROR\]", is(Lint, 84, Line)),
    (r"^\S+\.kts?:\d+:\d+: .*\(\S+\)$", is(Lint, 84, Line)),
    (
        r"^\s*\S.*?\.(?:cs|fs|vb|csproj|sln|props)(?:\(\d+(?:,\d+)*\))?\s?: error \w+\d+:|: error (?:MSB|NU|NETSDK|CS)\d+:",
        is(Compile, 90, Line),
    ),
    (
        r"^(?:In file included|\S+?:\d+:(?:\d+:)? (?:fatal )?error: )|^\S+\(\d+\): (?:fatal )?error \w+\d+:|^(?:clang|gcc|g\+\+|cc1|cc1plus|ld|rustc|swiftc)[\w.-]*: (?:fatal )?error: ",
        is(Compile, 90, Indented(4)),
    ),
    (
        r"undefined reference to|undefined symbol|^ld(?:\.\w+)?: (?:cannot find|symbol)|Undefined symbols for architecture|duplicate symbol",
        is(Compile, 88, Line),
    ),
    (r"^collect2: error|ld returned \d+ exit|linker command failed", is(Consequence, 20, Line)),
    (r"^\S+\.go:\d+:\d+: .*\([\w-]+\)$", is(Lint, 84, Indented(3))),
    (r"^(?:vet: )?\S+\.go:\d+(?::\d+)?: ", is(Compile, 90, Indented(3))),
    (
        r"^go: (?:\S+@\S+|.*(?:error|no matching|updates to go\.(?:mod|sum)|missing go\.sum|cannot find|unknown revision|inconsistent vendoring|requires go))|missing go\.sum entry|no required module provides package|cannot find (?:module|package) .*(?:providing|in any of)|is not in (?:GOROOT|std)\b",
        is(Package, 88, Line),
    ),
    (r"^FAIL\s+\S+ \[(?:build|setup) failed\]", is(Consequence, 30, Line)),
    (r"^Traceback \(most recent call last\):", is(Exception, 82, Traceback)),
    (
        r"^\*\*\* Error compiling |^Sorry: |^(?:E\s+)?(?:SyntaxError|IndentationError|TabError): ",
        is(Compile, 89, Line),
    ),
    (r#"^  File ".*", line \d+$"#, is(Compile, 60, Paragraph(4))),
    (r"^(?:PHP )?(?:Parse|Fatal) error: ", is(Compile, 88, Line)),
    (
        r"^(?:ERROR|Error) in (?:\./|\S+\.\w+|main|\w+ \()|^Module not found: |^(?:ERROR|Error): Module (?:build|not)|^Failed to compile",
        is(Compile, 88, Paragraph(6)),
    ),
    (
        r"^\s*(?:✘|X|x|×) \[ERROR\] |^(?:error during build|Build failed with \d+ error)|^\[(?:vite|rollup|commonjs|postcss|plugin)[^\]]*\].*(?:error|fail|could not|not exported|unexpected)|RollupError: |^Type error: ",
        is(Compile, 88, Paragraph(8)),
    ),
    (r"^== Compilation error in|^\*\* \((?:Compile|Syntax|Token)", is(Compile, 88, Paragraph(4))),
    (r"^SyntaxError: |^\S*SyntaxError: ", is(Compile, 86, Stack)),
    // Linters and formatters.
    (r"^\s+\d+:\d+\s+(?:error|✖)\s", is(Lint, 84, UnderHeading)),
    (r"^\s+\d+ \| ERROR +\|", is(Lint, 84, UnderHeading)),
    (r"^\s+\d+:\d+\s+✖", is(Lint, 84, UnderHeading)),
    (
        r"^\S+\.(?:pyi?|ipynb):\d+(?::\d+)?:? (?:error: |[A-Z]{1,4}\d{2,5}\b)|^\S+\.rb:\d+:\d+: [CWEF]: ",
        is(Lint, 84, Line),
    ),
    (r"^[A-Z]{1,4}\d{3,4} (?:\[\*\] )?\S", is(Lint, 80, Paragraph(8))),
    (
        r"(?i)^would reformat:? |^Would reformat|^Diff in \S+|^\[error\] \S+\.\w+: |^\S+ (?:needs|is not) (?:formatting|formatted)|Imports are incorrectly sorted|^(?:The following )?files? (?:need|would be) (?:to be )?(?:re)?format|^Code style issues",
        is(Lint, 84, Line),
    ),
    (r"^In \S+ line \d+:$", is(Lint, 82, Paragraph(4))),
    (r"^\S+:\d+ (?:DL|SC)\d{4} (?:error|warning)", is(Lint, 82, Line)),
    (r"^✖\s+.* \[[\w-]+\]$", is(Lint, 84, Line)),
    (
        r"^✖ \d+ problems?|^\s*\d+ problems? \(|^Found \d+ (?:errors?|problems?)|^Oh no! ",
        is(Consequence, 25, Line),
    ),
    // Package managers and images.
    (
        r"^npm (?:ERR!|error) (?:code )?(?:ELIFECYCLE|errno|code \d+|Exit status|Test failed|Failed at|This is probably not|command |path |Lifecycle|in workspace|workspace |location|signal)|^npm (?:ERR!|error) code \d+|^npm (?:ERR!|error) \S+@\S+ \S+: `",
        is(Consequence, 10, Line),
    ),
    (r"^npm (?:ERR!|error) ", is(Package, 84, SameMark(10))),
    (
        r"^error (?:An unexpected error occurred|Couldn't find|Received|Your lockfile|Incorrect integrity|Outdated lockfile)|^error \S+@\S+: |^➤ YN(?:0001|0009|0016|0018|0020|0027|0028|0035|0041|0046|0081|0082):",
        is(Package, 84, Line),
    ),
    (
        r"^error Command failed with exit code|ELIFECYCLE|^➤ YN\d+: .*Failed with errors|^error (?:Command failed|Failed to)",
        is(Consequence, 10, Line),
    ),
    (r"ERR_PNPM_\w+", is(Package, 84, Paragraph(4))),
    (
        r"^ERROR: (?:Could not find a version|No matching distribution|Cannot install|ResolutionImpossible|Could not install|Package '|Invalid requirement|THESE PACKAGES|Failed building wheel|Could not build wheels|Failed to build|Exception:|HTTP error|Could not open requirements)|^error: (?:subprocess-exited|metadata-generation)|version solving failed|No solution found when resolving|^Because .* depends on|^\s*(?:×|╰─▶|╰─>) ",
        is(Package, 84, Indented(4)),
    ),
    (
        r"^\[ERROR\] Failed to execute goal .*(?:Could not (?:resolve|find|transfer|collect)|Failure to (?:find|transfer))|^\[ERROR\] (?:Plugin|Non-resolvable|The project|Unresolveable|.*Non-parseable)|Could not (?:find|transfer|resolve) artifact|Could not resolve dependencies|Failed to collect dependencies",
        is(Package, 86, Line),
    ),
    (
        r"^> Could not (?:resolve|find|download|get|GET)|^\s+> Could not (?:resolve|find|download|get|GET)|^Could not resolve all",
        is(Package, 86, Indented(3)),
    ),
    (
        r"Could not find gem|Bundler could not find|Your requirements could not be resolved|^Your bundle is|^E: ",
        is(Package, 84, Line),
    ),
    (
        r"(?i)manifest (?:for \S+ )?(?:unknown|not found)|pull access denied|repository does not exist|toomanyrequests|requested access to the resource is denied|failed to resolve source metadata|Error response from daemon|name unknown:",
        is(Package, 86, Line),
    ),
    (
        r#"failed to compute cache key|^COPY failed|^ADD failed|failed to calculate checksum of ref|dockerfile parse error|unknown instruction|"/\S+": not found"#,
        is(Image, 87, Line),
    ),
    (
        r"^(?:ERROR|Error|error): failed to (?:solve|build)|^The command '.*' returned a non-zero code|^#\d+ ERROR: |did not complete successfully: exit code",
        is(Image, 45, Line),
    ),
    (r"^ERROR: Service '\S+' failed to build|^ERROR \[", is(Consequence, 20, Line)),
    // What several kinds of programs meet.
    (
        r"^(?:Exception in thread|thread '.*' (?:\(\d+\) )?panicked at|panic: |fatal error: |Unhandled |Uncaught |\*\* \(\w+)",
        is(Exception, 84, Stack),
    ),
    (
        r"(?i)segmentation fault|core dumped|\bSIGSEGV\b|\bSIGABRT\b|\bSIGILL\b|\bbus error\b|AddressSanitizer|ThreadSanitizer|double free",
        is(Exception, 86, Line),
    ),
    (
        r"Cannot find module|ModuleNotFoundError|ImportError|ClassNotFoundException|NoClassDefFoundError|LoadError",
        is(MissingFile, 80, Stack),
    ),
    (
        r"(?i)permission denied|\bEACCES\b|operation not permitted|access (?:is )?denied|AccessDenied|not authorized|unauthorized|authentication (?:failed|required)|\b40[13] (?:unauthorized|forbidden)|\bstatus(?: code)?:? 40[13]\b|invalid credentials|could not read username|ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|host key verification failed|unable to locate credentials|credentials could not be|no basic auth credentials|(?:invalid|expired) (?:token|api key|password)",
        is(Permission, 82, Line),
    ),
    (
        r"(?i)could not resolve host|temporary failure in name resolution|name or service not known|connection (?:refused|reset|timed out|closed)|\bECONN(?:REFUSED|RESET|ABORTED)\b|\bETIMEDOUT\b|\bEAI_AGAIN\b|\bENOTFOUND\b|network is unreachable|TLS handshake timeout|i/o timeout|no route to host|certificate (?:verify failed|has expired|signed by unknown)|UnknownHostException|SSLHandshakeException|read timed out|dial tcp|failed to connect to|\b50[234] (?:bad gateway|service unavailable|gateway time)",
        is(Network, 76, Line),
    ),
    (
        r"(?i)no such file or directory|\bENOENT\b|file not found|cannot open|can't open|cannot stat|does not exist$|no such table|pathspec .* did not match",
        is(MissingFile, 74, Line),
    ),
    (
        r"(?i)timed out (?:after|waiting)|timeout (?:of|exceeded|expired|waiting)|deadline exceeded",
        is(Timeout, 72, Line),
    ),
    (
        r"^(?:fatal|remote: fatal|remote: error): | ! \[(?:remote )?rejected\]|^error: failed to push|^CONFLICT \(",
        is(Error, 78, Line),
    ),
    (
        r"^(?:│ |╷ ?)?Error: |^\S*(?:Error|Exception|Failure)(?: \[\w+\])?: |^\S+(?:Error|Exception)$|^(?:Caused by|caused by): ",
        is(Exception, 70, Stack),
    ),
    (
        r"^An error occurred \(|^Error from server|^UPGRADE FAILED|^error validating|^✖ ",
        is(Error, 76, Line),
    ),
    (
        r"(?i)^\S*coverage\S* .*(?:not met|below|less than|does not meet)|coverage threshold|^FAIL Required test coverage",
        is(Test, 80, Line),
    ),
    (r"^\* What went wrong:", is(Error, 52, Paragraph(4))),
    // What follows from something else.
    (
        r"^make(?:\[\d+\])?: \*\*\* |^ninja: build stopped|^BUILD FAIL|^FAILURE: |^\[INFO\] BUILD FAILURE|^BUILD FAILURE|^Execution failed for task|^\[ERROR\] Failed to execute goal|exit(?:ed)? (?:with )?(?:code|status) [1-9]|^exit status [1-9]|^FAIL(?:\s|$)|^FAILED(?:\s|$)|CalledProcessError|returned non-zero exit|Process completed with|^> Task \S+ FAILED|^Tests? failed|^\s*There were failing tests|tests? failed\.?$|tests? (?:have )?failures",
        is(Consequence, 20, Line),
    ),
    // Anything else that calls itself an error.
    (
        r"(?i)^\s*(?:\[?(?:error|fatal|critical|severe|err|fail|failed|failure)\]?)(?:$|[\s:!\]\[(|])",
        is(Error, 48, Indented(3)),
    ),
    (
        r"(?i)\b(?:error|fatal|exception|failed|failure|aborted|aborting|invalid|unable to|cannot|could not|couldn't)\b",
        is(Error, 30, Line),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Option<(Kind, bool)> {
        rule(line).map(|rule| (rule.kind, rule.weight >= REASON))
    }

    #[test]
    fn every_pattern_is_one() {
        let patterns = RULES.iter().map(|(pattern, _)| pattern);
        assert!(RegexSet::new(patterns).is_ok());
    }

    #[test]
    fn tells_what_a_line_means() {
        for (line, meant) in [
            ("Container 'Build' exceeded memory limit.", Some((Memory, true))),
            ("Killed", Some((Memory, true))),
            ("/bin/bash: line 3:   412 Killed                  npm test", Some((Memory, true))),
            ("write /tmp/x: no space left on device", Some((Disk, true))),
            ("The step exceeded the time limit of 120 minutes.", Some((Timeout, true))),
            ("bash: line 3: terraform: command not found", Some((MissingCommand, true))),
            ("sh: 1: jest: not found", Some((MissingCommand, true))),
            ("bash: DEPLOY_KEY: unbound variable", Some((Variable, true))),
            ("Error: required environment variable AWS_REGION is not set", Some((Variable, true))),
            ("error[E0308]: mismatched types", Some((Compile, true))),
            (
                "error: could not compile `shop` (lib) due to 1 previous error",
                Some((Consequence, false)),
            ),
            ("src/a.ts(3,5): error TS2304: Cannot find name 'x'.", Some((Compile, true))),
            ("[ERROR] /b/Foo.java:[12,8] cannot find symbol", Some((Compile, true))),
            ("src/Foo.java:12: error: ';' expected", Some((Compile, true))),
            ("e: file:///b/src/Main.kt:3:5 Unresolved reference: x", Some((Compile, true))),
            ("./main.go:12:2: undefined: fmt", Some((Compile, true))),
            ("main.go:12:2: ineffectual assignment to err (ineffassign)", Some((Lint, true))),
            (
                "main.c:4:10: fatal error: missing.h: No such file or directory",
                Some((Compile, true)),
            ),
            ("Program.cs(3,5): error CS0103: The name 'x' does not exist", Some((Compile, true))),
            ("  12:5  error  'x' is not defined  no-undef", Some((Lint, true))),
            ("src/a.py:1:1: F401 'os' imported but unused", Some((Lint, true))),
            ("would reformat src/a.py", Some((Lint, true))),
            ("[warn] Code style issues found in 2 files. Run Prettier to fix.", Some((Lint, true))),
            ("npm ERR! code ERESOLVE", Some((Package, true))),
            ("npm error code 1", Some((Consequence, false))),
            ("npm ERR! code ELIFECYCLE", Some((Consequence, false))),
            ("ERROR: No matching distribution found for shop==9", Some((Package, true))),
            ("make: *** [Makefile:3: test] Error 2", Some((Consequence, false))),
            ("make: *** No rule to make target 'x'.  Stop.", Some((MissingFile, true))),
            ("fatal: could not read Username for 'https://x'", Some((Permission, true))),
            ("curl: (6) Could not resolve host: api.example.com", Some((Network, true))),
            ("warning: unused variable: `error`", None),
            ("npm warn deprecated har-validator@5.1.5: this library is an error", None),
            ("src/a.c:3:5: warning: unused error [-Wunused]", None),
            ("  ✓ shows an error when the card failed (3 ms)", None),
            ("test errors::fails_when_empty ... ok", None),
            ("tests/test_errors.py::test_failed PASSED   [ 12%]", None),
            ("Tests run: 12, Failures: 0, Errors: 0, Skipped: 0", None),
            ("0 errors, 0 warnings", None),
            ("Compiling error-chain v0.12.4", None),
        ] {
            assert_eq!(kind(line), meant, "{line:?}");
        }
    }
}
