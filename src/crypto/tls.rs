//! What rustls computes with.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The provider that TLS connections use: named to each of them, since the host's own rustls may have installed another.
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
