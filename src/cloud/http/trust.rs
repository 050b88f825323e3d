//! Whom TLS trusts, and who we are to it.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::HttpSettings;
use crate::cloud::{Error, Kind, Result};
use crate::config::is_privileged;
use crate::crypto;

/// Reads the certificates. [`Kind::Configuration`].
pub(super) fn config(settings: &HttpSettings) -> Result<Arc<ClientConfig>> {
    let found = match &settings.ca_file {
        Some(path) => certificates(path)?,
        None => system_roots(),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found);
    let refused = |error: rustls::Error| Error::new(Kind::Configuration, format!("TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(crypto::tls_provider())
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots);
    Ok(Arc::new(match &settings.client_certificate {
        Some((chain, key)) => builder
            .with_client_auth_cert(certificates(chain)?, private_key(key)?)
            .map_err(|error| Error::new(Kind::Configuration, format!("{}: {error}", key.display())))?,
        None => builder.with_no_client_auth(),
    }))
}

/// The system's trusted roots; none where there are none, which every connection then says.
fn system_roots() -> Vec<CertificateDer<'static>> {
    let found = match is_privileged() {
        // Whoever starts a program with more rights than its own must not choose whom it trusts.
        true => rustls_native_certs::load_certs_from_paths(None, Some(Path::new("/etc/ssl/certs"))),
        false => rustls_native_certs::load_native_certs(),
    };
    for error in &found.errors {
        tracing::warn!("the system's trusted certificates: {error}");
    }
    found.certs
}

fn pem(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Error::new(Kind::Configuration, format!("{}: {error}", path.display())))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = pem(path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text).filter_map(|item| item.ok()).collect();
    match found.is_empty() {
        true => Err(Error::new(Kind::Configuration, format!("{}: no certificate in PEM", path.display()))),
        false => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&pem(path)?)
        .map_err(|_| Error::new(Kind::Configuration, format!("{}: no private key in PEM", path.display())))
}
