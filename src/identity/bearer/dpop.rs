//! The proof that whoever shows a bound token has the key that it is bound to (RFC 9449).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::Presented;
use crate::auth0::BearerToken;
use crate::auth0::jwt::{Jwt, JwtProblem, VerifyingKey, check_begun, now};

/// A proof holds a key and five short claims.
const LONGEST: usize = 8 * 1024;
/// How old a proof may be, in seconds. Clients' clocks differ, and no nonce of ours tells a fresh one.
const MAX_AGE: f64 = 300.0;
/// How far the client's clock may be ahead, in seconds.
const LEEWAY: f64 = 30.0;
const LONGEST_IDENTIFIER: usize = 128;
/// How many proofs are remembered, and for how long: longer than any of them could be shown again.
const MAX_PROOFS: u64 = 100_000;
const REMEMBERED: Duration = Duration::from_secs(360);

/// The proofs that were shown already.
#[derive(Clone)]
pub(super) struct Proofs {
    seen: Cache<[u8; 32], ()>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: String,
}

/// What is wrong with a proof, in words that fit `error_description`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProofProblem {
    #[error("no proof was sent with the access token")]
    Missing,
    #[error("more than one proof was sent")]
    Several,
    #[error("the proof is malformed")]
    Malformed,
    #[error("the algorithm of the proof is not allowed")]
    Algorithm,
    #[error("the proof is not of the type dpop+jwt")]
    Type,
    #[error("the proof names no public key for RS256 or ES256")]
    Key,
    #[error("the signature of the proof is wrong")]
    Signature,
    #[error("the proof is for another method")]
    Method,
    #[error("the proof is for another URL")]
    Address,
    #[error("the proof is too old")]
    Stale,
    #[error("the proof is from the future")]
    Future,
    #[error("the proof is for another access token")]
    Token,
    #[error("the access token is bound to another key")]
    Binding,
    #[error("the proof was used already")]
    Replayed,
}

impl Proofs {
    pub(super) fn new() -> Self {
        // By default a full cache rather turns new entries away, and those are the ones that count.
        let seen = Cache::builder()
            .max_capacity(MAX_PROOFS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(REMEMBERED);
        Self { seen: seen.build() }
    }

    /// Checks the proof in `presented` for `token`, which is bound to the key that `thumbprint` names.
    pub(super) fn check(
        &self,
        presented: &Presented<'_>,
        token: &BearerToken,
        thumbprint: &str,
    ) -> Result<(), ProofProblem> {
        let proof = Jwt::read(only_proof(presented)?)?;
        if !proof.header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) {
            return Err(ProofProblem::Type);
        }
        let key = proof.header.jwk.as_ref().and_then(VerifyingKey::of_sender);
        let key = key.ok_or(ProofProblem::Key)?;
        if key.thumbprint().as_deref() != Some(thumbprint) {
            return Err(ProofProblem::Binding);
        }
        let claims: Claims = proof.verify(&key)?;
        check(&claims, presented, token)?;
        // Last, so that nothing but a good proof is ever remembered.
        let entry = self.seen.entry(digest(thumbprint, &claims.jti)).or_insert(());
        if entry.is_fresh() { Ok(()) } else { Err(ProofProblem::Replayed) }
    }
}

impl From<JwtProblem> for ProofProblem {
    fn from(problem: JwtProblem) -> Self {
        match problem {
            JwtProblem::Malformed => Self::Malformed,
            JwtProblem::Algorithm => Self::Algorithm,
            JwtProblem::Signature => Self::Signature,
            JwtProblem::Expired => Self::Stale,
            JwtProblem::Future => Self::Future,
        }
    }
}

fn only_proof<'a>(presented: &Presented<'a>) -> Result<&'a str, ProofProblem> {
    let mut proofs = presented.headers.get_all("dpop").iter();
    let proof = proofs.next().ok_or(ProofProblem::Missing)?;
    if proofs.next().is_some() {
        return Err(ProofProblem::Several);
    }
    let proof = proof.to_str().map_err(|_| ProofProblem::Malformed)?;
    if proof.len() > LONGEST { Err(ProofProblem::Malformed) } else { Ok(proof) }
}

/// RFC 9449 section 4.3, from step 8 on.
fn check(
    claims: &Claims,
    presented: &Presented<'_>,
    token: &BearerToken,
) -> Result<(), ProofProblem> {
    if !(1..=LONGEST_IDENTIFIER).contains(&claims.jti.len()) {
        return Err(ProofProblem::Malformed);
    }
    if claims.htm != presented.method.as_str() {
        return Err(ProofProblem::Method);
    }
    if !Url::parse(&claims.htu).is_ok_and(|url| is_same(&url, presented.url)) {
        return Err(ProofProblem::Address);
    }
    check_begun(claims.iat, None, LEEWAY)?;
    if claims.iat < now() - MAX_AGE {
        return Err(ProofProblem::Stale);
    }
    if claims.ath != URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose())) {
        return Err(ProofProblem::Token);
    }
    Ok(())
}

/// Parsing has put scheme, host, port and path in their normal forms. Query and fragment are not
/// part of `htu`.
fn is_same(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin() && one.path() == other.path()
}

/// Two clients may come upon the same `jti`.
fn digest(thumbprint: &str, jti: &str) -> [u8; 32] {
    let hash = Sha256::new_with_prefix(thumbprint.len().to_be_bytes());
    hash.chain_update(thumbprint).chain_update(jti).finalize().into()
}
