//! Hierarchical deterministic wallets, keyward's own mechanisms: BIP-32 on secp256k1, SLIP-10 on Ed25519, and BIP-39's
//! recovery sentences. Devices have the first two rows as well; what they do there is the device's.
//!
//! A wallet's private key keeps its chain code beside its value (CKA_KEYWARD_CHAIN_CODE). Protection is inherited: a
//! child that is not hardened gives its parent away to whoever has the parent's public key and chain code, and a
//! master key is its seed in another form.

use crate::crypto::{self, Curve, OkpCurve, WalletCurve, WalletKey};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck};

use super::derivation::{Derivation, Derive};
use super::descriptor::{Descriptor, MadePair, Ops, Provider};
use super::ec::FLAGS;
use super::errors;
use super::kdf::structure;
use super::key::{Key, wrong_type};
use super::material;
use super::params::{KdfKind, ParamKind, Params};

/// Entropy of a fresh recovery sentence in bytes: 24 words.
const ENTROPY_LEN: usize = 32;
/// How deep a wallet goes: BIP-32 counts the levels in one byte.
const MAX_DEPTH: usize = 255;
/// The address of a wallet's master key.
const ROOT: &str = "m";

/// What the rows share. Sizes are those of the keys that come out, in bits.
const WALLET: Descriptor = Descriptor {
    kind: ck::CKM_KEYWARD_BIP32_MASTER_GEN,
    name: "CKM_KEYWARD_BIP32_MASTER_GEN",
    key_types: &[ck::CKK_EC, ck::CKK_EC_EDWARDS],
    min_key_size: 255,
    max_key_size: 256,
    param: ParamKind::Bip32Master,
    ops: Ops { generate_node: Some(generate), ..Ops::NONE },
    extra_flags: FLAGS,
    legacy: false,
    fips: false,
    provider: Provider::OfBuild,
    vectors: "BIP-32, BIP-39, SLIP-10",
};

pub(super) const ROWS: &[Descriptor] = &[
    WALLET,
    Descriptor {
        kind: ck::CKM_KEYWARD_BIP32_CHILD_DERIVE,
        name: "CKM_KEYWARD_BIP32_CHILD_DERIVE",
        param: ParamKind::Bip32Child,
        ops: Ops { derive: Some(Derive::Private(child)), ..Ops::NONE },
        vectors: "BIP-32, SLIP-10",
        ..WALLET
    },
    // Sizes of the seed, in bytes.
    Descriptor {
        kind: ck::CKM_KEYWARD_BIP32_MASTER_DERIVE,
        name: "CKM_KEYWARD_BIP32_MASTER_DERIVE",
        key_types: &[ck::CKK_GENERIC_SECRET],
        min_key_size: 16,
        max_key_size: 64,
        param: ParamKind::None,
        ops: Ops { derive: Some(Derive::Private(master)), ..Ops::NONE },
        extra_flags: 0,
        vectors: "BIP-32, SLIP-10",
        ..WALLET
    },
    Descriptor {
        kind: ck::CKM_KEYWARD_BIP39_SEED_IMPORT,
        name: "CKM_KEYWARD_BIP39_SEED_IMPORT",
        key_types: &[ck::CKK_GENERIC_SECRET],
        min_key_size: 64,
        max_key_size: 64,
        param: ParamKind::Kdf(KdfKind::Bip39Seed),
        ops: Ops { generate: Some(import), ..Ops::NONE },
        extra_flags: 0,
        vectors: "BIP-39",
        ..WALLET
    },
];

/// A fresh wallet. The seed has no passphrase.
fn generate(params: &Params, public: &Attributes, _private: &Attributes) -> Result<MadePair> {
    let curve = match public.key_type() {
        Some(ck::CKK_EC_EDWARDS) => {
            material::okp(public, &[OkpCurve::Ed25519])?;
            WalletCurve::Ed25519
        }
        _ if material::weierstrass(public)? == Curve::Secp256k1 => WalletCurve::Secp256k1,
        _ => {
            let why = "CKA_EC_PARAMS names no curve of wallets: secp256k1 and Ed25519";
            return Err(Error::new(ErrorKind::CurveNotSupported, why));
        }
    };
    let (name, reply) = match params {
        Params::None => ("", None),
        Params::Bip32Master { name, mnemonic } => (name.as_str(), mnemonic.as_ref()),
        _ => return Err(errors::wrong_param()),
    };
    let mut entropy = SecretBytes::zeroed(ENTROPY_LEN).map_err(|_| ErrorKind::HostMemory)?;
    crypto::random(&mut entropy).map_err(errors::data)?;
    let sentence = crypto::recovery_sentence(&entropy).map_err(errors::data)?;
    let seed = crypto::wallet_seed(&sentence, &[]).map_err(errors::data)?;
    let master = WalletKey::master(curve, &seed).map_err(errors::data)?;
    if let Some(reply) = reply {
        reply.put(sentence);
    }
    let place = place(Some(name), Some(ROOT.to_owned()));
    let private = place.clone().with(ck::CKA_KEYWARD_CHAIN_CODE, master.chain_code().clone());
    Ok(MadePair { key: master.key().clone(), public: place, private })
}

/// The seed behind a recovery sentence. CKR_KEY_SIZE_RANGE for a template that asks for another length.
fn import(params: &Params, template: &Attributes) -> Result<SecretBytes> {
    let params = structure!(params, Bip39Seed)?;
    let seed = crypto::wallet_seed(&params.sentence, &params.passphrase).map_err(errors::data)?;
    match material::wanted_len(template)? {
        Some(len) if len != seed.len() => {
            Err(Error::new(ErrorKind::KeySizeRange, "CKA_VALUE_LEN: a seed has 64 bytes"))
        }
        _ => Ok(seed),
    }
}

/// The master key of a seed.
fn master(derivation: &Derivation<'_>, _params: &Params) -> Result<Attributes> {
    let key_type = derivation.template.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CKK_EC);
    let curve = match key_type {
        ck::CKK_EC => WalletCurve::Secp256k1,
        ck::CKK_EC_EDWARDS => WalletCurve::Ed25519,
        _ => {
            let why = "CKA_KEY_TYPE: a wallet's keys are CKK_EC or CKK_EC_EDWARDS";
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
    };
    let seed = derivation.base.key.secret()?;
    let place = place(None, Some(ROOT.to_owned()));
    node(derivation, key_type, place, || WalletKey::master(curve, seed).map_err(errors::data))
}

/// The child of a wallet's private key.
fn child(derivation: &Derivation<'_>, params: &Params) -> Result<Attributes> {
    let Params::Bip32Child { index, hardened } = *params else { return Err(errors::wrong_param()) };
    let base = derivation.base.attributes;
    let (Key::Private(key), Some(key_type)) = (derivation.base.key, base.key_type()) else {
        return Err(wrong_type());
    };
    let chain_code = base.bytes(ck::CKA_KEYWARD_CHAIN_CODE).ok_or_else(|| {
        let why = "the key is in no wallet: it has no CKA_KEYWARD_CHAIN_CODE";
        Error::new(ErrorKind::KeyTypeInconsistent, why)
    })?;
    let parent = WalletKey::new(key.clone(), chain_code).map_err(|_| {
        let why = "wallets have keys on secp256k1 and Ed25519";
        Error::new(ErrorKind::KeyTypeInconsistent, why)
    })?;
    let address = match text(base, ck::CKA_KEYWARD_WALLET_ADDRESS) {
        Some(address) if address.matches('/').count() >= MAX_DEPTH => {
            return Err(Error::new(ErrorKind::KeyTypeInconsistent, "the key is as deep as a wallet goes"));
        }
        // The place of an imported key is not known.
        address => address.map(|address| format!("{address}/{index}{}", if hardened { "'" } else { "" })),
    };
    let place = place(text(base, ck::CKA_KEYWARD_WALLET_NAME), address);
    node(derivation, key_type, place, || parent.child(index, hardened).map_err(errors::data))
}

/// A derived private key with its chain code and its place in the wallet.
fn node(
    derivation: &Derivation<'_>,
    key_type: ck::CK_KEY_TYPE,
    place: Attributes,
    make: impl FnOnce() -> Result<WalletKey>,
) -> Result<Attributes> {
    let mut chain_code = None;
    let mut private = derivation.private(key_type, Inherit::Base, || {
        let made = make()?;
        chain_code = Some(made.chain_code().clone());
        Ok(made.key().clone())
    })?;
    private.set(ck::CKA_KEYWARD_CHAIN_CODE, chain_code.unwrap_or_default());
    for (id, value) in place.iter() {
        private.set(id, value.clone());
    }
    Ok(private)
}

/// The attributes that say where in which wallet a key is, as far as that is known.
fn place(name: Option<&str>, address: Option<String>) -> Attributes {
    let mut place = Attributes::new();
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        place.set(ck::CKA_KEYWARD_WALLET_NAME, name);
    }
    if let Some(address) = address {
        place.set(ck::CKA_KEYWARD_WALLET_ADDRESS, address.as_str());
    }
    place
}

fn text(attributes: &Attributes, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&str> {
    attributes.bytes(id).and_then(|text| std::str::from_utf8(text).ok())
}
