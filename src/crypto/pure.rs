//! What no version of AWS-LC offers, from the RustCrypto crates: deterministic ML-DSA signatures.

use super::{Error, MlDsaSet, Result};
use ml_dsa::{
    EncodedSignature, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65, MlDsa87, MlDsaParams,
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

fn sign<P: MlDsaParams>(expanded: &[u8], message: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
    let bytes = <&ExpandedSigningKeyBytes<P>>::try_from(expanded).map_err(|_| FAILED)?;
    // Deprecated because it trusts its input: AWS-LC checked this key's parts against each other at import.
    #[allow(deprecated)]
    let key = ExpandedSigningKey::<P>::from_expanded(bytes);
    let signature = key.sign_deterministic(message, context).map_err(|_| FAILED)?;
    let signature: EncodedSignature<P> = signature.encode();
    if out.len() != signature.len() {
        return Err(FAILED);
    }
    out.copy_from_slice(&signature);
    Ok(())
}
