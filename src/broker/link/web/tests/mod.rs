//! Each rule of linking over HTTP, against a tenant and a Bitbucket on loopback.
