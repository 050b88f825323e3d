//! `keyward mechanism`: the rows of the mechanism table, and `docs/mechanisms.md` made of them.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::error::Result;
use super::host::{Host, TokenArg};
use super::output::{Answer, Table};
use crate::calls;
use crate::ffi;
use crate::mechanism::params::KdfKind;
use crate::mechanism::{self, Descriptor, ParamKind};
use crate::types::ck;

/// `keyward mechanism ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the mechanisms with their operations and key sizes; with --token those that it offers
    List(List),
}

/// `keyward mechanism list`
#[derive(Args, Debug)]
pub struct List {
    /// Write docs/mechanisms.md to stdout
    #[arg(long)]
    pub markdown: bool,
    #[command(flatten)]
    pub token: TokenArg,
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    let Command::List(args) = command;
    let rows = match &args.token.token {
        Some(_) if !args.markdown => offered(&args.token)?,
        _ => mechanism::all().map(Shown::from).collect(),
    };
    let text = if args.markdown { markdown(&rows) } else { table(&rows) };
    let json = json!({
        "mechanisms": rows.iter().map(describe).collect::<Vec<Value>>(),
        "unsupported_functions": ffi::unsupported(),
    });
    Ok(Answer::new(text, json))
}

/// A mechanism, as the table or a token has it.
struct Shown {
    kind: ck::CK_MECHANISM_TYPE,
    flags: ck::CK_FLAGS,
    sizes: (ck::CK_ULONG, ck::CK_ULONG),
    /// `None` for one that only another library knows.
    row: Option<&'static Descriptor>,
}

impl From<&'static Descriptor> for Shown {
    fn from(row: &'static Descriptor) -> Self {
        let sizes = (row.min_key_size, row.max_key_size);
        Shown { kind: row.kind, flags: row.flags(), sizes, row: Some(row) }
    }
}

impl Shown {
    fn name(&self) -> String {
        self.row.map_or_else(|| format!("{:#x}", self.kind), |row| row.name.to_owned())
    }

    fn is_legacy(&self) -> bool {
        mechanism::is_legacy(self.kind)
    }
}

fn offered(token: &TokenArg) -> Result<Vec<Shown>> {
    let host = Host::start()?;
    let token = host.select(token)?;
    let show = |kind| -> Result<Shown> {
        let info = calls::slot::mechanism_info(&host.module, token.slot, kind)?;
        let sizes = (info.ulMinKeySize, info.ulMaxKeySize);
        Ok(Shown { kind, flags: info.flags, sizes, row: mechanism::descriptor(kind) })
    };
    calls::slot::mechanisms(&host.module, token.slot)?.into_iter().map(show).collect()
}

/// CKF_ bits of CK_MECHANISM_INFO, and how they are called.
const OPERATIONS: &[(ck::CK_FLAGS, &str)] = &[
    (ck::CKF_DIGEST, "digest"),
    (ck::CKF_SIGN, "sign"),
    (ck::CKF_VERIFY, "verify"),
    (ck::CKF_ENCRYPT, "encrypt"),
    (ck::CKF_DECRYPT, "decrypt"),
    (ck::CKF_GENERATE, "generate"),
    (ck::CKF_GENERATE_KEY_PAIR, "generate pair"),
    (ck::CKF_WRAP, "wrap"),
    (ck::CKF_UNWRAP, "unwrap"),
    (ck::CKF_DERIVE, "derive"),
    (ck::CKF_SIGN_RECOVER, "sign with recovery"),
    (ck::CKF_VERIFY_RECOVER, "verify with recovery"),
    (ck::CKF_ENCAPSULATE, "encapsulate"),
    (ck::CKF_DECAPSULATE, "decapsulate"),
    (ck::CKF_MESSAGE_ENCRYPT, "encrypt messages"),
    (ck::CKF_MESSAGE_DECRYPT, "decrypt messages"),
];

fn operations(row: &Shown) -> Vec<&'static str> {
    OPERATIONS.iter().filter(|(flag, _)| row.flags & flag != 0).map(|(_, name)| *name).collect()
}

fn sizes(row: &Shown) -> String {
    match row.sizes {
        (0, 0) => String::new(),
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min} to {max}"),
    }
}

/// What `pParameter` points to; the variant's own name for one that is not listed here.
const PARAMETERS: &[(ParamKind, &str)] = &[
    (ParamKind::None, ""),
    (ParamKind::Ctr, "CK_AES_CTR_PARAMS"),
    (ParamKind::Gcm, "CK_GCM_PARAMS"),
    (ParamKind::Pss, "CK_RSA_PKCS_PSS_PARAMS"),
    (ParamKind::Oaep, "CK_RSA_PKCS_OAEP_PARAMS"),
    (ParamKind::Ecdh, "CK_ECDH1_DERIVE_PARAMS"),
    (ParamKind::Eddsa, "CK_EDDSA_PARAMS or none"),
    (ParamKind::SignContext, "CK_SIGN_ADDITIONAL_CONTEXT or none"),
    (ParamKind::HashSignContext, "CK_HASH_SIGN_ADDITIONAL_CONTEXT"),
    (ParamKind::Bip32Master, "CK_KEYWARD_BIP32_MASTER_PARAMS or none"),
    (ParamKind::Bip32Child, "CK_KEYWARD_BIP32_CHILD_PARAMS"),
    (ParamKind::Kdf(KdfKind::KeyHandle), "CK_OBJECT_HANDLE"),
    (ParamKind::Kdf(KdfKind::StringData), "CK_KEY_DERIVATION_STRING_DATA"),
    (ParamKind::Kdf(KdfKind::ExtractBit), "CK_EXTRACT_PARAMS"),
    (ParamKind::Kdf(KdfKind::Hkdf), "CK_HKDF_PARAMS"),
    (ParamKind::Kdf(KdfKind::Pbkdf2), "CK_PKCS5_PBKD2_PARAMS2"),
    (ParamKind::Kdf(KdfKind::Sp800108), "CK_SP800_108_KDF_PARAMS"),
    (ParamKind::Kdf(KdfKind::Sp800108Feedback), "CK_SP800_108_FEEDBACK_KDF_PARAMS"),
    (ParamKind::Kdf(KdfKind::TlsVersion), "CK_VERSION"),
    (ParamKind::Kdf(KdfKind::TlsMaster), "CK_TLS12_MASTER_KEY_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::TlsExtendedMaster), "CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::TlsKeyMaterial), "CK_TLS12_KEY_MAT_PARAMS"),
    (ParamKind::Kdf(KdfKind::TlsKdf), "CK_TLS_KDF_PARAMS"),
    (ParamKind::Kdf(KdfKind::TlsMac), "CK_TLS_MAC_PARAMS"),
    (ParamKind::Kdf(KdfKind::IkePrf), "CK_IKE_PRF_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::Ike1Prf), "CK_IKE1_PRF_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::Ike1Extended), "CK_IKE1_EXTENDED_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::Ike2PrfPlus), "CK_IKE2_PRF_PLUS_DERIVE_PARAMS"),
    (ParamKind::Kdf(KdfKind::Argon2id), "CK_KEYWARD_ARGON2ID_PARAMS"),
    (ParamKind::Kdf(KdfKind::Bip39Seed), "CK_KEYWARD_BIP39_SEED_PARAMS"),
    (ParamKind::PublicValue, "the other party's public value"),
    (ParamKind::RsaAesWrap, "CK_RSA_AES_KEY_WRAP_PARAMS"),
    (ParamKind::EcdhAesWrap, "CK_ECDH_AES_KEY_WRAP_PARAMS"),
    (ParamKind::MacGeneral, "CK_MAC_GENERAL_PARAMS"),
    (ParamKind::Ccm, "CK_CCM_PARAMS"),
    (ParamKind::Gmac, "CK_GCM_PARAMS or IV of 12 bytes"),
    (ParamKind::AesCbcData, "CK_AES_CBC_ENCRYPT_DATA_PARAMS"),
    (ParamKind::DesCbcData, "CK_DES_CBC_ENCRYPT_DATA_PARAMS"),
    (ParamKind::ChaCha20, "CK_CHACHA20_PARAMS"),
    (ParamKind::ChaCha20Poly1305, "CK_SALSA20_CHACHA20_POLY1305_PARAMS"),
    (ParamKind::Otp, "CK_OTP_PARAMS or none"),
];

fn parameter(kind: ParamKind) -> String {
    match kind {
        ParamKind::Iv(len) => format!("IV of {len} bytes"),
        ParamKind::OptionalIv(len) => format!("IV of {len} bytes or none"),
        other => {
            let known = PARAMETERS.iter().find(|(kind, _)| *kind == other);
            known.map_or_else(|| format!("{other:?}"), |(_, text)| (*text).to_owned())
        }
    }
}

fn describe(shown: &Shown) -> Value {
    json!({
        "name": shown.name(),
        "number": shown.kind,
        "operations": operations(shown),
        "flags": shown.flags,
        "min_key_size": shown.sizes.0,
        "max_key_size": shown.sizes.1,
        "parameter": shown.row.map(|row| parameter(row.param)),
        "legacy": shown.is_legacy(),
        "fips": shown.row.map(|row| row.fips),
        "provider": shown.row.map(|row| row.provider.name()),
        "vectors": shown.row.map(|row| row.vectors),
    })
}

fn table(rows: &[Shown]) -> String {
    let mut table = Table::new(&["mechanism", "flags", "key size", "operations", "note"]);
    for row in rows {
        let note = if row.is_legacy() { "legacy" } else { "" };
        let flags = format!("{:#x}", row.flags);
        table.row([row.name(), flags, sizes(row), operations(row).join(","), note.to_owned()]);
    }
    table.render("No mechanisms")
}

const INTRODUCTION: &str = "\
# Mechanisms

This page is generated: `keyward mechanism list --markdown > docs/mechanisms.md`. The rows are those that
C_GetMechanismList and C_GetMechanismInfo answer from. Key sizes are in the unit that the specification gives for the
mechanism: bits for RSA, curves and the generation of generic secrets; bytes for AES and HMAC; for ML-DSA the bytes of
the public key. Mechanisms marked *legacy* are switched off by `policy.legacy = \"deny\"`. *Checked by* names the
published vectors that the tests hold a mechanism against, or the other implementation that they compare it with.
Whatever signs and verifies does so for messages too (C_SignMessage, C_VerifyMessage and their kin).

| mechanism | operations | key sizes | parameter | provider | checked by | |
| --- | --- | --- | --- | --- | --- | --- |
";

fn markdown(rows: &[Shown]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for row in rows {
        let note = if row.is_legacy() { "*legacy*" } else { "" };
        let parameter = row.row.map(|row| parameter(row.param)).unwrap_or_default();
        let operations = operations(row).join(", ");
        let provider = row.row.map(|row| row.provider.name()).unwrap_or_default();
        let vectors = row.row.map(|row| row.vectors).filter(|text| !text.is_empty());
        let vectors = vectors.unwrap_or(match row.flags {
            ck::CKF_GENERATE => "nothing: random bytes",
            _ => "nothing",
        });
        let line = format!(
            "| `{}` | {operations} | {} | {parameter} | {provider} | {vectors} | {note} |",
            row.name(),
            sizes(row)
        );
        page.push_str(&line.replace("|  |", "| |").replace("|  |", "| |"));
        page.push('\n');
    }
    page.push_str("\n## Functions\n\n");
    page.push_str(&functions(&ffi::unsupported()));
    page
}

/// Which functions are there.
fn functions(missing: &[&str]) -> String {
    let all = ffi::FUNCTIONS;
    if missing.is_empty() {
        return format!("All {all} functions of PKCS#11 v3.2 are there.");
    }
    let names: Vec<String> = missing.iter().map(|name| format!("- `{name}`")).collect();
    format!(
        "Of the {all} functions of PKCS#11 v3.2 these {} answer CKR_FUNCTION_NOT_SUPPORTED:\n\n{}",
        missing.len(),
        names.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_its_words() {
        for row in mechanism::all() {
            let text = parameter(row.param);
            assert_ne!(text, format!("{:?}", row.param), "{}: add a row to PARAMETERS", row.name);
            assert!(!operations(&row.into()).is_empty(), "{}: add a row to OPERATIONS", row.name);
        }
    }

    #[test]
    fn the_page_has_every_row() {
        let rows: Vec<_> = mechanism::all().map(Shown::from).collect();
        let page = markdown(&rows);
        assert!(rows.iter().all(|row| page.contains(&format!("| `{}` |", row.name()))));
        assert!(page.contains("104 functions"));
        assert!(
            functions(&["C_One", "C_Two"])
                .ends_with("these 2 answer CKR_FUNCTION_NOT_SUPPORTED:\n\n- `C_One`\n- `C_Two`")
        );
    }
}
