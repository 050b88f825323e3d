//! Digests over whole bytes, and SHAKE as the derivation of a key from a key.

use cryptoki_sys::*;

use super::response::{Vector, vectors};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::suites::wycheproof::kdf::readable;
use crate::suites::wycheproof::{Bed, secret_key};
use crate::{Mech, ensure, skip};

/// What CAVP's files are named after, and the mechanism.
const DIGESTS: &[(&str, CK_MECHANISM_TYPE)] = &[
    ("SHA1", CKM_SHA_1),
    ("SHA224", CKM_SHA224),
    ("SHA256", CKM_SHA256),
    ("SHA384", CKM_SHA384),
    ("SHA512", CKM_SHA512),
    ("SHA512_224", CKM_SHA512_224),
    ("SHA512_256", CKM_SHA512_256),
    ("SHA3_224", CKM_SHA3_224),
    ("SHA3_256", CKM_SHA3_256),
    ("SHA3_384", CKM_SHA3_384),
    ("SHA3_512", CKM_SHA3_512),
];

/// File, mechanism, and the most bytes that it gives: the specification has SHAKE stop at its digest's length.
const SHAKES: &[(&str, CK_MECHANISM_TYPE, usize)] =
    &[("SHAKE128", CKM_SHAKE_128_KEY_DERIVATION, 32), ("SHAKE256", CKM_SHAKE_256_KEY_DERIVATION, 64)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, mechanism) in DIGESTS {
        for kind in ["ShortMsg", "LongMsg"] {
            let file = format!("{name}{kind}.rsp");
            let label = file.clone();
            cases.push(Case::many(&file, move |context, tally| digests(&label, *mechanism, context, tally)));
        }
        let file = format!("{name}Monte.rsp");
        let label = file.clone();
        cases.push(Case::many(&file, move |context, tally| monte(&label, *mechanism, context, tally)));
    }
    for (name, mechanism, most) in SHAKES {
        for kind in ["ShortMsg", "LongMsg", "VariableOut"] {
            let file = format!("{name}{kind}.rsp");
            let label = file.clone();
            cases.push(Case::many(&file, move |context, tally| {
                shake(&label, (*mechanism, *most), context, tally)
            }));
        }
    }
    cases
}

/// The message, whose length in bits tells an empty one.
fn message(vector: &Vector) -> Check<Vec<u8>> {
    let mut message = vector.bytes("Msg")?;
    if vector.has("Len") {
        message.truncate(vector.number("Len")? / 8);
    }
    Ok(message)
}

fn digests(file: &str, mechanism: CK_MECHANISM_TYPE, context: &Context, tally: &mut Tally) -> Check {
    let vectors = vectors(context, file, "MD")?;
    let bed = Bed::new(context)?;
    bed.token.need(mechanism, CKF_DIGEST)?;
    for vector in &vectors {
        let message = message(vector)?;
        let check = bed.session.digest(&Mech::new(mechanism), &message).map_err(Failure::from);
        let check = check.and_then(|digest| {
            ensure!(digest == vector.bytes("MD")?, "C_Digest gives a wrong result");
            Ok(())
        });
        tally.record(&format!("{file}#{} bytes", message.len()), check);
    }
    Ok(())
}

/// CAVP's chain of 1000 digests before each value: SHA-3 hashes the last one, the others the last three together.
fn monte(file: &str, mechanism: CK_MECHANISM_TYPE, context: &Context, tally: &mut Tally) -> Check {
    let vectors = vectors(context, file, "MD")?;
    let bed = Bed::new(context)?;
    bed.token.need(mechanism, CKF_DIGEST)?;
    let depth = if file.starts_with("SHA3_") { 1 } else { 3 };
    let seed = vectors.first().ok_or_else(|| Failure::Failed("no vectors".to_owned()))?.bytes("Seed")?;
    let mut last = seed;
    for (count, vector) in vectors.iter().enumerate() {
        let mut chain = vec![last.clone(); depth];
        for _ in 0..1000 {
            let made = bed.session.digest(&Mech::new(mechanism), &chain.concat())?;
            chain.rotate_left(1);
            if let Some(newest) = chain.last_mut() {
                *newest = made;
            }
        }
        last = chain.pop().unwrap_or_default();
        let right = last == vector.bytes("MD")?;
        tally.record(
            &format!("{file}#{count}"),
            if right { Ok(()) } else { Err(Failure::Failed("C_Digest gives a wrong result".to_owned())) },
        );
        if !right {
            break;
        }
    }
    Ok(())
}

/// The message is the base key's value, and the first bytes of the output the derived key's.
fn shake(
    file: &str,
    (mechanism, most): (CK_MECHANISM_TYPE, usize),
    context: &Context,
    tally: &mut Tally,
) -> Check {
    let vectors = vectors(context, file, "Output")?;
    let bed = Bed::new(context)?;
    bed.token.need(mechanism, CKF_DERIVE)?;
    for vector in &vectors {
        let message = message(vector)?;
        let mut output = vector.bytes("Output")?;
        output.truncate(most);
        let check = derived(&bed, mechanism, &message, &output);
        tally.record(&format!("{file}#{} to {} bytes", message.len(), output.len()), check);
    }
    Ok(())
}

fn derived(bed: &Bed, mechanism: CK_MECHANISM_TYPE, message: &[u8], output: &[u8]) -> Check {
    if message.is_empty() {
        skip!("a key is not empty");
    }
    bed.with_key(&secret_key(CKK_GENERIC_SECRET, message, &[CKA_DERIVE]), |base| {
        let key = bed.session.derive(&Mech::new(mechanism), base?, &readable(output.len()))?;
        let value = bed.session.get(key, CKA_VALUE)?;
        bed.session.destroy(key)?;
        ensure!(value == output, "C_DeriveKey gives a wrong result");
        Ok(())
    })
}
