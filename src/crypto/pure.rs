//! What no version of AWS-LC offers, from the RustCrypto crates: deterministic ML-DSA signatures.

use super::{Error, MlDsaSet, Result};
use ml_dsa::{
    EncodedSignature, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65, MlDsa87, MlDsaParams,
    Signature,
};

const FAILED: Error = Error::Internal("deterministic ML-DSA signature");

/// Signs under FIPS 204's private key encoding, which must be valid, into `out` of exactly a signature's length.
pub(super) fn ml_dsa_sign_deterministic(
    set: MlDsaSet,
    expanded: &[u8],
    message: &[u8],
    context: &[u8],
    out: &mut [u8],
) -> Result<()> {
    match set {
        MlDsaSet::MlDsa44 => sign::<MlDsa44>(expanded, message, context, out),
        MlDsaSet::MlDsa65 => sign::<MlDsa65>(expanded, message, context, out),
        MlDsaSet::MlDsa87 => sign::<MlDsa87>(expanded, message, context, out),
    }
}

/// The same over the message representative µ.
pub(super) fn ml_dsa_sign_mu_deterministic(
    set: MlDsaSet,
    expanded: &[u8],
    mu: &[u8; 64],
    out: &mut [u8],
) -> Result<()> {
    match set {
        MlDsaSet::MlDsa44 => sign_mu::<MlDsa44>(expanded, mu, out),
        MlDsaSet::MlDsa65 => sign_mu::<MlDsa65>(expanded, mu, out),
        MlDsaSet::MlDsa87 => sign_mu::<MlDsa87>(expanded, mu, out),
    }
}

fn key<P: MlDsaParams>(expanded: &[u8]) -> Result<ExpandedSigningKey<P>> {
    let bytes = <&ExpandedSigningKeyBytes<P>>::try_from(expanded).map_err(|_| FAILED)?;
    // Deprecated because it trusts its input: AWS-LC checked this key's parts against each other at import.
    #[allow(deprecated)]
    Ok(ExpandedSigningKey::<P>::from_expanded(bytes))
}

fn sign<P: MlDsaParams>(expanded: &[u8], message: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
    write(key::<P>(expanded)?.sign_deterministic(message, context).map_err(|_| FAILED)?, out)
}

fn sign_mu<P: MlDsaParams>(expanded: &[u8], mu: &[u8; 64], out: &mut [u8]) -> Result<()> {
    write(key::<P>(expanded)?.sign_mu_deterministic(&(*mu).into()), out)
}

fn write<P: MlDsaParams>(signature: Signature<P>, out: &mut [u8]) -> Result<()> {
    let signature: EncodedSignature<P> = signature.encode();
    if out.len() != signature.len() {
        return Err(FAILED);
    }
    out.copy_from_slice(&signature);
    Ok(())
}
