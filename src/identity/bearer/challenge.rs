//! What a request that is not let in is told, ready for `WWW-Authenticate`.

use http::StatusCode;

/// The algorithms that a proof may be signed with.
pub const PROOF_ALGORITHMS: [&str; 2] = ["ES256", "RS256"];

/// How an access token is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has the token may use it (RFC 6750).
    Bearer,
    /// The token is bound to a key, and each request proves that the sender has it (RFC 9449).
    Dpop,
}

/// The parts of an answer that says how to be let in (RFC 6750 section 3, RFC 9449 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// 401, 400 where the request contradicts itself, or 403 where the token allows too little.
    pub status: StatusCode,
    /// How a token has to be shown.
    pub scheme: Scheme,
    /// The error code. None where no token was shown: then there is nothing to find fault with.
    pub error: Option<&'static str>,
    /// What is wrong, in printable ASCII without quotes and backslashes.
    pub description: Option<String>,
}

impl Scheme {
    /// As it stands in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

impl Challenge {
    /// The value of `WWW-Authenticate`, with `parameters` such as `resource_metadata` and `scope`
    /// after our own.
    ///
    /// What could end a quoted string is left out of every value.
    #[must_use]
    pub fn header_value(&self, parameters: &[(&str, &str)]) -> String {
        let algorithms = PROOF_ALGORITHMS.join(" ");
        let algorithms = (self.scheme == Scheme::Dpop).then_some(("algs", algorithms.as_str()));
        let error = self.error.map(|error| ("error", error));
        let description = self.description.as_deref().map(|words| ("error_description", words));
        let own = [algorithms, error, description].into_iter().flatten();
        let all = own.chain(parameters.iter().copied());
        let written: Vec<String> =
            all.map(|(name, value)| format!("{name}=\"{}\"", quotable(value))).collect();
        format!("{} {}", self.scheme.name(), written.join(", ")).trim_end().to_owned()
    }
}

/// RFC 6750 section 3: `%x20-21 / %x23-5B / %x5D-7E`.
fn quotable(text: &str) -> String {
    let fits =
        |character: &char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    text.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_client_reads() {
        let missing = Challenge {
            status: StatusCode::UNAUTHORIZED,
            scheme: Scheme::Bearer,
            error: None,
            description: None,
        };
        assert_eq!(missing.header_value(&[]), "Bearer");
        assert_eq!(
            missing.header_value(&[
                ("resource_metadata", "https://mcp.example.com/.well-known/x"),
                ("scope", "bitbucket:read"),
            ]),
            "Bearer resource_metadata=\"https://mcp.example.com/.well-known/x\", \
             scope=\"bitbucket:read\""
        );
        let proof = Challenge {
            scheme: Scheme::Dpop,
            error: Some("invalid_dpop_proof"),
            description: Some("it was used".to_owned()),
            ..missing
        };
        assert_eq!(
            proof.header_value(&[("scope", "bitbucket:read")]),
            "DPoP algs=\"ES256 RS256\", error=\"invalid_dpop_proof\", \
             error_description=\"it was used\", scope=\"bitbucket:read\""
        );
    }

    #[test]
    fn lets_no_value_end_its_quotes() {
        let challenge = Challenge {
            status: StatusCode::UNAUTHORIZED,
            scheme: Scheme::Bearer,
            error: None,
            description: Some("a\"b\\c\r\nd\u{e9}".to_owned()),
        };
        assert_eq!(challenge.header_value(&[]), "Bearer error_description=\"abcd\"");
    }
}
