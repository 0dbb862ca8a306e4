//! How an application's ID tokens are signed.

use serde_json::Value;

use super::Subject;
use crate::setup::requirements::finding::{Finding, create, requirement, shown_name};

/// The algorithm that is asked for.
const ALGORITHM: &str = "RS256";

/// That the tenant's key signs them. An application that is made without a word on it has its own secret
/// sign them (HS256), and a sign-in then ends with a token that nobody takes.
/// <https://auth0.com/docs/get-started/applications/signing-algorithms>
pub(super) fn id_tokens(subject: &Subject<'_>, id: &'static str) -> Finding {
    let requirement = requirement(
        id,
        "signature of ID tokens",
        format!("`{ALGORITHM}`"),
        "a sign-in is refused whose ID token the application's own secret has signed",
    );
    let made = vec![create(&subject.object, "jwt_configuration.alg", ALGORITHM)];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let algorithm = application.jwt_configuration.as_ref();
    match algorithm.and_then(|configuration| configuration.get("alg")?.as_str()) {
        Some(ALGORITHM) => requirement.ok(ALGORITHM),
        other => {
            let from = other.map_or_else(|| "not set".to_owned(), shown_name);
            let found = other.map_or_else(|| "not set, which is HS256".to_owned(), shown_name);
            requirement.wrong(
                found,
                "choose RS256 under Advanced Settings > OAuth > JSON Web Token Signature Algorithm",
                vec![subject.edit("jwt_configuration.alg", from, Value::from(ALGORITHM))],
            )
        }
    }
}
