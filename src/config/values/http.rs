//! How the values of `http` are read: addresses, hosts, origins, networks, certificates.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use url::{Host, Url};

use super::{Fit, base};
use crate::config::problems::{Misfit, shown};
use crate::net;

/// An address and a port to listen on.
pub(in crate::config) fn address(text: &str) -> Fit<SocketAddr> {
    text.parse().map_err(|_| {
        Misfit::new(
            format!("is not an address and a port: `{}`", shown(text)),
            "give both, as in `127.0.0.1:8080` or `[::1]:8080`",
        )
    })
}

/// Where everybody reaches the server: an origin, as a URL.
pub(in crate::config) fn public_url(text: &str) -> Fit<Url> {
    let hint = "give scheme, host and port alone, as in `https://mcp.acme.example`";
    let url = base(text, hint)?;
    // The URL type drops `..` and the like, so the text itself is looked at.
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    if !matches!(after_scheme.split_once(['/', '\\']), None | Some((_, ""))) {
        return Err(Misfit::new(format!("must not have a path: `{}`", shown(text)), hint));
    }
    Ok(url)
}

/// A value of the `Host` header, in lower case.
pub(in crate::config) fn host(text: &str) -> Fit<String> {
    let parts = || {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (text, None),
        };
        let good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        (good && !name.contains('*')).then(|| Host::parse(name).ok())?
    };
    if parts().is_none() {
        let hint = "write `host` or `host:port` as clients do, without a scheme or a wildcard";
        return Err(Misfit::new(format!("is not a host: `{}`", shown(text)), hint));
    }
    Ok(text.to_ascii_lowercase())
}

/// A value of the `Origin` header, as browsers write it.
pub(in crate::config) fn origin(text: &str) -> Fit<String> {
    net::origin(text).ok_or_else(|| {
        Misfit::new(
            format!("is not an origin: `{}`", shown(text)),
            "write scheme, host and port, as in `https://inspector.acme.example`",
        )
    })
}

/// A network, or one address of it.
pub(in crate::config) fn network(text: &str) -> Fit<IpNet> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) => Ok(network.trunc()),
        Err(_) => Err(Misfit::new(
            format!("is neither an address nor a network: `{}`", shown(text)),
            "write them as in `192.0.2.7` or `10.0.0.0/8`",
        )),
    }
}

/// What is wrong with a certificate chain and its key, and with which of the two.
pub(in crate::config) enum TlsMisfit {
    Certificate(Misfit),
    Key(Misfit),
}

/// Whether https can be served with this chain and this key.
pub(in crate::config) fn tls(chain: &str, key: &str) -> Result<(), TlsMisfit> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| {
            let hint = "give the chain as PEM, the server's own certificate first";
            TlsMisfit::Certificate(Misfit::new("holds no certificate in PEM", hint))
        })?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        let hint = "give the private key as PEM, and not encrypted";
        TlsMisfit::Key(Misfit::new("holds no private key in PEM", hint))
    })?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider).map(drop).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsMisfit::Key(Misfit::new(
            "is not the key of the certificate",
            "give the key that the certificate was made for, and that certificate first in its file",
        )),
        error => TlsMisfit::Certificate(Misfit::new(
            format!("cannot be served: {error}"),
            "give a certificate with an RSA, ECDSA or Ed25519 key",
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: ToString>(read: Fit<T>) -> String {
        read.map_or_else(|misfit| misfit.what, |value| value.to_string())
    }

    #[test]
    fn takes_a_public_url_that_is_an_origin() {
        let given = [
            "https://mcp.acme.example",
            "https://MCP.acme.example:443/",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:8080",
            "http://mcp.acme.example",
            "http://mcp.localhost",
            "https://mcp.acme.example/mcp",
            "https://mcp.acme.example/.",
            "https://mcp.acme.example//",
            "https://mcp.acme.example\\x",
            "https://mcp.acme.example?x",
            "https://mcp.acme.example#x",
            "https://ana@mcp.acme.example",
            "mcp.acme.example",
        ];
        let lines: Vec<String> =
            given.iter().map(|text| format!("{text} -> {}", said(public_url(text)))).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        https://mcp.acme.example -> https://mcp.acme.example/
        https://MCP.acme.example:443/ -> https://mcp.acme.example/
        http://127.0.0.1:8080 -> http://127.0.0.1:8080/
        http://[::1]:8080 -> http://[::1]:8080/
        http://localhost:8080 -> http://localhost:8080/
        http://mcp.acme.example -> must use `https://`: `http://mcp.acme.example` is not on this machine
        http://mcp.localhost -> must use `https://`: `http://mcp.localhost` is not on this machine
        https://mcp.acme.example/mcp -> must not have a path: `https://mcp.acme.example/mcp`
        https://mcp.acme.example/. -> must not have a path: `https://mcp.acme.example/.`
        https://mcp.acme.example// -> must not have a path: `https://mcp.acme.example//`
        https://mcp.acme.example\x -> must not have a path: `https://mcp.acme.example\\x`
        https://mcp.acme.example?x -> must not have a query or a fragment
        https://mcp.acme.example#x -> must not have a query or a fragment
        https://ana@mcp.acme.example -> must not have a user name or password
        mcp.acme.example -> is not a URL: `mcp.acme.example`
        ");
    }

    #[test]
    fn takes_hosts_as_the_header_writes_them() {
        let given = [
            "MCP.acme.example",
            "mcp.acme.example:8443",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "https://mcp.acme.example",
            "mcp.acme.example/",
            "*.acme.example",
            "mcp.acme.example:0",
            "mcp.acme.example:",
            "ana@mcp.acme.example",
            "a b",
            "::1",
        ];
        let lines: Vec<String> =
            given.iter().map(|text| format!("{text} -> {}", said(host(text)))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        MCP.acme.example -> mcp.acme.example
        mcp.acme.example:8443 -> mcp.acme.example:8443
        127.0.0.1:8080 -> 127.0.0.1:8080
        [::1]:8080 -> [::1]:8080
        [::1] -> [::1]
        https://mcp.acme.example -> is not a host: `https://mcp.acme.example`
        mcp.acme.example/ -> is not a host: `mcp.acme.example/`
        *.acme.example -> is not a host: `*.acme.example`
        mcp.acme.example:0 -> is not a host: `mcp.acme.example:0`
        mcp.acme.example: -> is not a host: `mcp.acme.example:`
        ana@mcp.acme.example -> is not a host: `ana@mcp.acme.example`
        a b -> is not a host: `a b`
        ::1 -> is not a host: `::1`
        ");
    }

    #[test]
    fn takes_origins_as_browsers_write_them() {
        let given = [
            "https://Inspector.acme.example:443/",
            "http://localhost:6274",
            "null",
            "*",
            "https://*.acme.example",
            "https://acme.example/app",
            "https://ana@acme.example",
            "file:///",
        ];
        let lines: Vec<String> =
            given.iter().map(|text| format!("{text} -> {}", said(origin(text)))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        https://Inspector.acme.example:443/ -> https://inspector.acme.example
        http://localhost:6274 -> http://localhost:6274
        null -> is not an origin: `null`
        * -> is not an origin: `*`
        https://*.acme.example -> is not an origin: `https://*.acme.example`
        https://acme.example/app -> is not an origin: `https://acme.example/app`
        https://ana@acme.example -> is not an origin: `https://ana@acme.example`
        file:/// -> is not an origin: `file:///`
        ");
    }

    #[test]
    fn takes_networks_and_single_addresses() {
        let given =
            ["10.1.2.3/8", "192.0.2.7", "::1", "fd00::/8", "10.0.0.0/33", "proxy", "10.0.0"];
        let lines: Vec<String> =
            given.iter().map(|text| format!("{text} -> {}", said(network(text)))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        10.1.2.3/8 -> 10.0.0.0/8
        192.0.2.7 -> 192.0.2.7/32
        ::1 -> ::1/128
        fd00::/8 -> fd00::/8
        10.0.0.0/33 -> is neither an address nor a network: `10.0.0.0/33`
        proxy -> is neither an address nor a network: `proxy`
        10.0.0 -> is neither an address nor a network: `10.0.0`
        ");
    }
}
