//! The vendor's functions, in the order of his page.

use std::ffi::c_void;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hkdf::Hkdf;
use hmac::Hmac;
use libc::{c_char, c_int, c_uint};
use sha2::{Sha256, Sha512};

use crate::arguments::{In, Out, Text};
use crate::call::{self, Call};
use crate::curve::{self, Kind};
use crate::files::{Answer, errno};
use crate::slots::{EPHEMERAL, Key};
use crate::wallet::Naming;
use crate::{lock, pem, slots, wallet};

/// zkCTX.
type Context = *mut c_void;

/// zkAccelAxisDataType.
#[repr(C)]
#[derive(Debug)]
pub struct AccelAxis {
    g: f64,
    tap_direction: c_int,
}

/// Opens a context.
///
/// # Safety
/// A valid place for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zkOpen(context: Out<Context>) -> c_int {
    if context.is_null() {
        return -libc::EINVAL;
    }
    match call::open().and_then(|opened| context.set(opened).map_err(|errno| -errno)) {
        Ok(()) => 0,
        Err(answer) => answer,
    }
}

/// Closes a context.
///
/// # Safety
/// None is asked for: a context that is none answers -EBADF.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zkClose(context: Context) -> c_int {
    call::close(context)
}

macro_rules! vendor {
    ($($name:ident($call:ident $(, $argument:ident: $type:ty)*) $body:block)*) => {$(
        /// The vendor's function of this name.
        ///
        /// # Safety
        /// Every pointer is what the vendor's page says; NULL answers -EINVAL where it may not be.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(context: Context $(, $argument: $type)*) -> c_int {
            call::run(stringify!($name), context, |$call: &mut Call| -> Answer { $body })
        }
    )*};
}

// Random numbers, locked data.
vendor! {
    zkCreateRandDataFile(_call, file: Text, len: c_int) {
        lock::write(&file.path()?, &random(len)?)?;
        Ok(0)
    }
    zkGetRandBytes(call, out: Out<*mut u8>, len: c_int) {
        out.give(&call.spoiled(random(len)?))?;
        Ok(0)
    }
    zkLockDataF2F(call, from: Text, to: Text, shared: bool) {
        lock::write(&to.path()?, &lock::lock(call, &lock::read(&from.path()?)?, shared)?)?;
        Ok(0)
    }
    zkLockDataB2F(call, from: In, len: c_int, to: Text, shared: bool) {
        lock::write(&to.path()?, &lock::lock(call, &from.bytes(len)?, shared)?)?;
        Ok(0)
    }
    zkLockDataF2B(call, from: Text, to: Out<*mut u8>, size: Out<c_int>, shared: bool) {
        to.give_sized(&lock::lock(call, &lock::read(&from.path()?)?, shared)?, &size)?;
        Ok(0)
    }
    zkLockDataB2B(call, from: In, len: c_int, to: Out<*mut u8>, size: Out<c_int>, shared: bool) {
        to.give_sized(&lock::lock(call, &from.bytes(len)?, shared)?, &size)?;
        Ok(0)
    }
    zkUnlockDataF2F(call, from: Text, to: Text, shared: bool) {
        lock::write(&to.path()?, &lock::unlock(call, &lock::read(&from.path()?)?, shared)?)?;
        Ok(0)
    }
    zkUnlockDataB2F(call, from: In, len: c_int, to: Text, shared: bool) {
        lock::write(&to.path()?, &lock::unlock(call, &from.bytes(len)?, shared)?)?;
        Ok(0)
    }
    zkUnlockDataF2B(call, from: Text, to: Out<*mut u8>, size: Out<c_int>, shared: bool) {
        to.give_sized(&lock::unlock(call, &lock::read(&from.path()?)?, shared)?, &size)?;
        Ok(0)
    }
    zkUnlockDataB2B(call, from: In, len: c_int, to: Out<*mut u8>, size: Out<c_int>, shared: bool) {
        to.give_sized(&lock::unlock(call, &from.bytes(len)?, shared)?, &size)?;
        Ok(0)
    }
}

// Signatures.
vendor! {
    zkGenECDSASigFromDigest(call, digest: In, slot: c_int, out: Out<*mut u8>, size: Out<c_int>) {
        let (signature, _) = sign(call, &digest, slot)?;
        out.give_sized(&signature, &size)?;
        Ok(0)
    }
    zkGenECDSASigFromDigestWithRecID(
        call, digest: In, slot: c_int, out: Out<*mut u8>, size: Out<c_int>, recovery_id: Out<u8>
    ) {
        let (signature, id) = sign(call, &digest, slot)?;
        recovery_id.set(id)?;
        out.give_sized(&signature, &size)?;
        Ok(0)
    }
    zkVerifyECDSASigFromDigest(call, digest: In, slot: c_int, signature: In, len: c_int) {
        let key = slots::get(call, slot, false)?;
        curve::verify(key.kind, &key.public, &digest.digest()?, &signature.bytes(len)?)
    }
    zkVerifyECDSASigFromDigestWithForeignKeySlot(call, digest: In, slot: c_int, signature: In, len: c_int) {
        let key = slots::get(call, slot, true)?;
        curve::verify(key.kind, &key.public, &digest.digest()?, &signature.bytes(len)?)
    }
}

// Agreement.
vendor! {
    zkDoRawECDH(call, slot: c_int, peer: In, len: c_int, out: Out<*mut u8>) {
        let peer = peer.bytes(len)?;
        out.give(&agree(call, slot, &peer)?)?;
        Ok(0)
    }
    zkDoRawECDHWithIntPeerPubkey(call, slot: c_int, peer: c_int, foreign: bool, out: Out<*mut u8>) {
        let peer = slots::get(call, peer, foreign)?.public;
        out.give(&agree(call, slot, &peer)?)?;
        Ok(0)
    }
    zkDoECDHAndKDF(
        call, kdf: c_uint, slot: c_int, peer: In, peer_len: c_int, salt: In, salt_len: c_int, info: In,
        info_len: c_int, iterations: c_int, len: c_int, out: Out<*mut u8>
    ) {
        let secret = agree(call, slot, &peer.bytes(peer_len)?)?;
        out.give(&derived(kdf, &secret, (&salt, salt_len), (&info, info_len), iterations, len)?)?;
        Ok(0)
    }
    zkDoECDHAndKDFWithIntPeerPubkey(
        call, kdf: c_uint, slot: c_int, peer: c_int, foreign: bool, salt: In, salt_len: c_int, info: In,
        info_len: c_int, iterations: c_int, len: c_int, out: Out<*mut u8>
    ) {
        let secret = agree(call, slot, &slots::get(call, peer, foreign)?.public)?;
        out.give(&derived(kdf, &secret, (&salt, salt_len), (&info, info_len), iterations, len)?)?;
        Ok(0)
    }
}

// Keys.
vendor! {
    zkSaveECDSAPubKey2File(call, file: Text, slot: c_int) {
        lock::write(&file.path()?, pem::public(&exported(call, slot, false)?).as_bytes())?;
        Ok(0)
    }
    zkExportPubKey2File(call, file: Text, slot: c_int, foreign: bool) {
        lock::write(&file.path()?, pem::public(&exported(call, slot, foreign)?).as_bytes())?;
        Ok(0)
    }
    zkGetECDSAPubKey(call, out: Out<*mut u8>, size: Out<c_int>, slot: c_int) {
        out.give_sized(&call.spoiled(exported(call, slot, false)?.public), &size)?;
        Ok(0)
    }
    zkExportPubKey(call, out: Out<*mut u8>, size: Out<c_int>, slot: c_int, foreign: bool) {
        out.give_sized(&call.spoiled(exported(call, slot, foreign)?.public), &size)?;
        Ok(0)
    }
    zkGetAllocSlotsList(
        call, foreign: bool, capacity: Out<c_int>, list: Out<*mut c_int>, size: Out<c_int>
    ) {
        call.needs_rich()?;
        capacity.set(if foreign { crate::model::FOREIGN } else { crate::model::GENERATED })?;
        list.give_sized(&slots::list(call, foreign), &size)?;
        Ok(0)
    }
    zkStoreForeignPubKey(call, kind: c_uint, key: In, len: c_int) {
        call.needs_rich()?;
        let kind = Kind::from_number(kind)?;
        let public = kind.check_public(&key.bytes(len)?)?;
        slots::add(call, true, &Key { kind, private: Vec::new(), public, wallet: None, hidden: false })
    }
    zkDisablePubKeyExport(call, slot: c_int, foreign: bool) {
        call.needs_rich()?;
        let key = slots::get(call, slot, foreign)?;
        slots::put(call, slot, foreign, &Key { hidden: true, ..key })?;
        Ok(0)
    }
    zkGenKeyPair(call, kind: c_uint) {
        call.needs_rich()?;
        let kind = Kind::from_number(kind)?;
        slots::add(call, false, &Key::pair(kind, curve::generate(kind)?)?)
    }
    zkGenEphemeralKeyPair(call, kind: c_uint) {
        call.needs_rich()?;
        let kind = Kind::from_number(kind)?;
        slots::put(call, EPHEMERAL, false, &Key::pair(kind, curve::generate(kind)?)?)?;
        Ok(0)
    }
    zkRemoveKey(call, slot: c_int, foreign: bool) {
        call.needs_rich()?;
        slots::remove(call, slot, foreign)
    }
    zkInvalidateEphemeralKey(call) {
        call.needs_rich()?;
        slots::remove(call, EPHEMERAL, false)
    }
}

// Wallets.
vendor! {
    zkGenWalletMasterSeedWithBIP39(
        call, kind: c_uint, variant: Text, wallet: Text, generator: In, len: c_int, passphrase: Text,
        mnemonic: Out<*mut c_char>
    ) {
        let naming = naming(kind, &variant, &wallet, &generator, len)?;
        let wanted = !mnemonic.is_null();
        let (slot, sentence) = wallet::generate(call, &naming, &passphrase.or_empty()?, wanted)?;
        if let Some(sentence) = sentence {
            mnemonic.text(&sentence)?;
        }
        Ok(slot)
    }
    zkRestoreWalletMasterSeedFromBIP39Mnemonic(
        call, kind: c_uint, variant: Text, wallet: Text, generator: In, len: c_int, passphrase: Text,
        mnemonic: Text
    ) {
        let naming = naming(kind, &variant, &wallet, &generator, len)?;
        wallet::restore(call, &naming, &passphrase.or_empty()?, &mnemonic.get()?)
    }
    zkGenWalletChildKey(
        call, parent: c_int, index: u32, hardened: bool, wants_chain_code: bool, chain_code: Out<*mut u8>
    ) {
        if wants_chain_code && !hardened {
            return Err(libc::EINVAL);
        }
        let (slot, chain) = wallet::child(call, parent, index, hardened)?;
        if wants_chain_code {
            chain_code.give(&chain)?;
        }
        Ok(slot)
    }
    zkGetWalletNodeAddrFromKeySlot(
        call, slot: c_int, address: Out<*mut c_char>, wallet: Out<*mut c_char>, master: Out<c_int>
    ) {
        call.needs_rich()?;
        let node = slots::get(call, slot, false)?.wallet.ok_or(libc::EINVAL)?;
        address.text(&node.address)?;
        if !wallet.is_null() {
            wallet.text(&node.wallet)?;
        }
        if !master.is_null() {
            master.set(node.master)?;
        }
        Ok(0)
    }
    zkGetWalletKeySlotFromNodeAddr(call, address: Text, wallet: Text, master: c_int, slot: Out<c_int>) {
        call.needs_rich()?;
        let wallet = wallet.or_empty()?;
        let fits = |node: &slots::Node| if wallet.is_empty() { node.master == master } else { node.wallet == wallet };
        slot.set(wallet::find(call, &address.get()?, fits)?)?;
        Ok(0)
    }
}

// Not simulated: shares of SLIP-39, wallets made of public keys.
vendor! {
    zkGenWalletMasterSeedWithSLIP39(
        _call, _kind: c_uint, _variant: Text, _wallet: Text, _generator: In, _len: c_int, _groups: c_int,
        _threshold: c_int, _exponent: c_int, _passphrase: Text
    ) { Err(libc::ENOSYS) }
    zkSetSLIP39GroupInfo(_call, _group: c_int, _members: c_int, _threshold: c_int) { Err(libc::ENOSYS) }
    zkAddSLIP39MemberPassword(_call, _passphrase: Text, _mnemonic: Out<*mut c_char>) { Err(libc::ENOSYS) }
    zkCancelSLIP39Session(_call) { Err(libc::ENOSYS) }
    zkRestoreWalletMasterSeedFromSLIP39(
        _call, _kind: c_uint, _variant: Text, _wallet: Text, _generator: In, _len: c_int, _passphrase: Text
    ) { Err(libc::ENOSYS) }
    zkAddRestoreSLIP39Mnemonic(_call, _passphrase: Text, _mnemonic: Text) { Err(libc::ENOSYS) }
    zkGenOversightWallet(
        _call, _kind: c_uint, _variant: Text, _key: In, _chain_code: In, _address: Text, _wallet: Text
    ) { Err(libc::ENOSYS) }
}

// The perimeter.
vendor! {
    zkSetPerimeterEventAction(call, channel: c_int, flags: u32) {
        let mut actions = call.files.channels("perimeter_action");
        let channel = usize::try_from(channel).map_err(|_| libc::EINVAL)?;
        *actions.get_mut(channel).ok_or(libc::EINVAL)? = flags & 3;
        call.files.write_channels("perimeter_action", &actions)?;
        Ok(0)
    }
    zkSetDigitalPerimeterDetectLPPeriod(call, period: c_int) {
        set_rich(call, "perimeter_lp_period", period)
    }
    zkSetDigitalPerimeterDetectLPMaxBits(call, bits: c_int) { set_rich(call, "perimeter_lp_max_bits", bits) }
    zkSetDigitalPerimeterDetectDelays(call, min: c_int, max: c_int) {
        set_rich(call, "perimeter_delays", format!("{min} {max}"))
    }
    zkWaitForPerimeterEvent(call, timeout_ms: u32) {
        if call.wait(timeout_ms, call::unreported)? { Ok(0) } else { Err(libc::ETIMEDOUT) }
    }
    zkGetPerimeterDetectInfo(call, times: Out<*mut u32>, size: Out<c_int>) {
        times.give_sized(&call.files.channels("perimeter"), &size)?;
        Ok(0)
    }
    zkClearPerimeterDetectEvents(call) {
        call.files.remove("perimeter");
        call.files.remove("perimeter_seen");
        Ok(0)
    }
}

// Lights, address, clock, taps.
vendor! {
    zkLEDOff(call) { set(call, "led", "off") }
    zkLEDOn(call) { set(call, "led", "on") }
    zkLEDFlash(call, on_ms: u32, off_ms: u32, times: u32) { set(call, "led", format!("{on_ms} {off_ms} {times}")) }
    zkSetI2CAddr(call, address: c_int) {
        match address {
            0x30..=0x37 | 0x60..=0x67 => set(call, "i2c_address", format!("{address:#x}")),
            _ => Err(libc::EINVAL),
        }
    }
    zkGetTime(call, seconds: Out<u32>, precise: bool) {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        if precise {
            let second = now().as_secs();
            call.wait(1100, |_| Ok(now().as_secs() > second))?;
        }
        let offset: i64 = call.files.read("time_offset").parse().unwrap_or(0);
        let time = i64::try_from(now().as_secs()).map_err(|_| libc::EIO)? + offset;
        seconds.set(u32::try_from(time).map_err(|_| libc::EIO)?)?;
        Ok(0)
    }
    zkSetTapSensitivity(call, axis: c_int, percent: f32) {
        match (axis, percent) {
            (0..=3, 0.0..=100.0) => set(call, "tap_sensitivity", format!("{axis} {percent}")),
            _ => Err(libc::EINVAL),
        }
    }
    zkWaitForTap(call, timeout_ms: u32) {
        call.wait(timeout_ms, |_| Ok(false))?;
        Err(libc::ETIMEDOUT)
    }
    zkGetAccelerometerData(_call, x: Out<AccelAxis>, y: Out<AccelAxis>, z: Out<AccelAxis>) {
        for (axis, g) in [(x, 0.0), (y, 0.0), (z, 1.0)] {
            axis.set(AccelAxis { g, tap_direction: 0 })?;
        }
        Ok(0)
    }
}

// Binding, information, health.
vendor! {
    zkLockBinding(call) {
        call.needs(|model| model.binding)?;
        set(call, "binding", "locked bound")
    }
    zkGetCurrentBindingInfo(call, locked: Out<bool>, bound: Out<bool>) {
        call.needs(|model| model.binding)?;
        let binding = call.files.read("binding");
        let says = |word: &str| binding.split_whitespace().any(|w| w == word);
        locked.set(says("locked"))?;
        bound.set(says("bound"))?;
        Ok(0)
    }
    zkGetModelNumberString(call, out: Out<*mut c_char>) {
        out.text(call.model.name)?;
        Ok(0)
    }
    zkGetFirmwareVersionString(call, out: Out<*mut c_char>) {
        out.text(&call.files.read_or("firmware", "01.00.00-simulator"))?;
        Ok(0)
    }
    zkGetSerialNumberString(call, out: Out<*mut c_char>) {
        out.text(&call.files.read("serial"))?;
        Ok(0)
    }
    zkGetCPUTemp(call, out: Out<f32>) {
        call.needs_rich()?;
        out.set(call.reading("temperature", 41.5)?)?;
        Ok(0)
    }
    zkGetAUXTemp(call, _index: c_int, out: Out<f32>) {
        call.needs(|model| model.scm)?;
        out.set(call.reading("aux_temperature", 39.0)?)?;
        Ok(0)
    }
    zkGetRTCDrift(call, out: Out<f32>) {
        call.needs_rich()?;
        out.set(call.reading("rtc_drift", 0.25)?)?;
        Ok(0)
    }
    zkGetBatteryVoltage(call, out: Out<f32>) {
        call.needs_rich()?;
        out.set(call.reading("battery", 3.02)?)?;
        Ok(0)
    }
    zkSetBatteryVoltageAction(call, action: c_int) { set_rich(call, "battery_action", action) }
    zkSetBatteryVoltageThreshold(call, threshold: f32) {
        if threshold >= 2.5 {
            return Err(libc::EINVAL);
        }
        set_rich(call, "battery_threshold", threshold)
    }
    zkSetCPUTempAction(call, action: c_int) { set_rich(call, "temperature_action", action) }
    zkSetCPULowTempThreshold(call, threshold: f32) { set_rich(call, "temperature_low", threshold) }
    zkSetCPUHighTempThreshold(call, threshold: f32) { set_rich(call, "temperature_high", threshold) }
    zkSetSupervisedBootPolicy(call, policy: c_int) {
        call.needs(|model| model.scm)?;
        set(call, "boot_policy", policy)
    }
    zkAddOrUpdateSupervisedBootFile(call, file: Text, slot: c_int) {
        call.needs(|model| model.scm)?;
        let file = file.path()?;
        fs::metadata(&file).map_err(errno)?;
        let others = manifest(call, &file.display().to_string());
        set(call, "boot_manifest", format!("{others}{} {slot}", file.display()))
    }
    zkRemoveSupervisedBootFile(call, file: Text) {
        call.needs(|model| model.scm)?;
        let others = manifest(call, &file.get()?);
        set(call, "boot_manifest", others)
    }
    zkGetSupervisedBootFileManifest(call, out: Out<*mut c_char>) {
        call.needs(|model| model.scm)?;
        out.text(&call.files.read("boot_manifest"))?;
        Ok(0)
    }
}

fn random(len: c_int) -> Answer<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(len).ok().filter(|len| *len > 0).ok_or(libc::EINVAL)?];
    getrandom::fill(&mut bytes).map_err(|_| libc::EIO)?;
    Ok(bytes)
}

fn sign(call: &Call, digest: &In, slot: c_int) -> Answer<(Vec<u8>, u8)> {
    let key = slots::get(call, slot, false)?;
    let (signature, id) = curve::sign(key.kind, &key.private, &digest.digest()?)?;
    Ok((call.spoiled(signature), id))
}

fn agree(call: &Call, slot: c_int, peer: &[u8]) -> Answer<Vec<u8>> {
    call.needs_rich()?;
    let key = slots::get(call, slot, false)?;
    Ok(call.spoiled(curve::agree(key.kind, &key.private, peer)?))
}

fn derived(
    kdf: c_uint,
    secret: &[u8],
    (salt, salt_len): (&In, c_int),
    (info, info_len): (&In, c_int),
    iterations: c_int,
    len: c_int,
) -> Answer<Vec<u8>> {
    if salt_len > 128 || info_len > 128 || len <= 0 {
        return Err(libc::EINVAL);
    }
    let (salt, info) = (salt.bytes(salt_len)?, info.bytes(info_len)?);
    let mut out = vec![0; usize::try_from(len).map_err(|_| libc::EINVAL)?];
    let rounds = u32::try_from(iterations).map_err(|_| libc::EINVAL);
    match kdf {
        0 => Hkdf::<Sha256>::new(Some(&salt), secret).expand(&info, &mut out).map_err(|_| libc::EINVAL)?,
        1 => Hkdf::<Sha512>::new(Some(&salt), secret).expand(&info, &mut out).map_err(|_| libc::EINVAL)?,
        2 => pbkdf2::pbkdf2::<Hmac<Sha256>>(secret, &salt, rounds?, &mut out).map_err(|_| libc::EINVAL)?,
        3 => pbkdf2::pbkdf2::<Hmac<Sha512>>(secret, &salt, rounds?, &mut out).map_err(|_| libc::EINVAL)?,
        _ => return Err(libc::EINVAL),
    }
    Ok(out)
}

fn exported(call: &Call, slot: c_int, foreign: bool) -> Answer<Key> {
    let key = slots::get(call, slot, foreign)?;
    if key.hidden { Err(libc::EPERM) } else { Ok(key) }
}

fn naming(kind: c_uint, variant: &Text, wallet: &Text, generator: &In, len: c_int) -> Answer<Naming> {
    Ok(Naming {
        kind: Kind::from_number(kind)?,
        variant: variant.or_empty()?,
        wallet: wallet.or_empty()?,
        generator: generator.bytes(len)?,
    })
}

fn set(call: &Call, name: &str, value: impl ToString) -> Answer {
    call.files.write(name, &value.to_string())?;
    Ok(0)
}

fn set_rich(call: &Call, name: &str, value: impl ToString) -> Answer {
    call.needs_rich()?;
    set(call, name, value)
}

/// The lines of the manifest of supervised boot about other files.
fn manifest(call: &Call, file: &str) -> String {
    let text = call.files.read("boot_manifest");
    let others = text.lines().filter(|line| line.rsplit_once(' ').is_none_or(|(of, _)| of != file));
    others.map(|line| format!("{line}\n")).collect()
}
