//! Wallets: BIP-32 trees whose keys are in slots of the device.

use std::ffi::CString;
use std::ptr;

use libc::c_char;

use super::device::{Device, call};
use super::error::{Error, Result};
use super::keys::{KeyType, Slot};
use super::memory::Malloced;
use crate::types::SecretBytes;

/// What a new wallet is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewWallet<'a> {
    /// The curve of its keys.
    pub key_type: KeyType,
    /// "cardano" for Ed25519, empty for the others.
    pub variant: &'a str,
    /// Its name, in ASCII.
    pub name: &'a str,
    /// Whether the recovery sentence (BIP-39) is wanted. It shows the whole wallet to whoever reads it.
    pub mnemonic: bool,
}

/// Where in a wallet a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletNode {
    /// Its path from the master, as `m/44'/60'/0'`.
    pub address: String,
    /// The wallet's name.
    pub wallet: String,
    /// The slot of the wallet's master key.
    pub master: Slot,
}

impl Device {
    /// Makes a wallet; the slot of its master key, and the recovery sentence if it was asked for.
    pub fn gen_wallet_master_seed_bip39(
        &self,
        wallet: &NewWallet<'_>,
    ) -> Result<(Slot, Option<SecretBytes>)> {
        const NAME: &str = "zkGenWalletMasterSeedWithBIP39";
        let (variant, name, none) = (text(wallet.variant)?, text(wallet.name)?, text("")?);
        let mut mnemonic = Malloced::<c_char>::new();
        let place = if wallet.mnemonic { mnemonic.place() } else { ptr::null_mut() };
        let slot = call!(
            self,
            wallet_master,
            "zkGenWalletMasterSeedWithBIP39",
            wallet.key_type.number(),
            variant.as_ptr(),
            name.as_ptr(),
            none.as_ptr().cast(),
            0,
            none.as_ptr(),
            place,
        )
        .inspect_err(|_| mnemonic.disown())?;
        let sentence = match wallet.mnemonic {
            // SAFETY: done; the vendor promises a string.
            true => Some(SecretBytes::from(unsafe { mnemonic.secret_text(NAME) }?)),
            false => None,
        };
        Ok((slot, sentence))
    }

    /// Derives the child of this number from a wallet's key; its slot.
    pub fn gen_wallet_child_key(&self, parent: Slot, index: u32, hardened: bool) -> Result<Slot> {
        let mut chain_code = Malloced::<u8>::new();
        let slot = call!(
            self,
            wallet_child,
            "zkGenWalletChildKey",
            parent,
            index,
            hardened,
            false,
            chain_code.place(),
        );
        // It was not asked for.
        chain_code.disown();
        slot
    }

    /// Where in a wallet a slot's key is. An errno for a key that is in none.
    pub fn wallet_node(&self, slot: Slot) -> Result<WalletNode> {
        const NAME: &str = "zkGetWalletNodeAddrFromKeySlot";
        let (mut address, mut wallet, mut master) =
            (Malloced::<c_char>::new(), Malloced::<c_char>::new(), -1);
        call!(
            self,
            wallet_node,
            "zkGetWalletNodeAddrFromKeySlot",
            slot,
            address.place(),
            wallet.place(),
            &mut master,
        )
        .inspect_err(|_| {
            address.disown();
            wallet.disown();
        })?;
        // SAFETY: done; the vendor promises both strings.
        unsafe { Ok(WalletNode { address: address.text(NAME)?, wallet: wallet.text(NAME)?, master }) }
    }

    /// The slot of the key at an address of the wallet with this name.
    pub fn wallet_slot(&self, address: &str, wallet: &str) -> Result<Slot> {
        const NAME: &str = "zkGetWalletKeySlotFromNodeAddr";
        let (address, wallet, mut slot) = (text(address)?, text(wallet)?, -1);
        call!(
            self,
            wallet_slot,
            "zkGetWalletKeySlotFromNodeAddr",
            address.as_ptr(),
            wallet.as_ptr(),
            -1,
            &mut slot,
        )?;
        match slot {
            0.. => Ok(slot),
            _ => Err(Error::Malformed { function: NAME, why: "answered without a slot" }),
        }
    }
}

/// A text that the vendor's functions take.
fn text(text: &str) -> Result<CString> {
    if !text.is_ascii() {
        return Err(Error::Argument("names and addresses of wallets are ASCII"));
    }
    CString::new(text).map_err(|_| Error::Argument("a NUL in the name or address of a wallet"))
}
