//! The simulator through its C functions, as a program of the vendor's would call them.

#![allow(clippy::unwrap_used)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use libloading::Library;
use tempfile::TempDir;
use zk_app_utils_simulator::Simulator;

type Context = *mut c_void;

/// A device, and the library that sees it.
struct Host {
    simulator: Simulator,
    library: Library,
    context: Context,
    _dir: TempDir,
}

/// Calls a function of the library with a context: `zk!(host, zkLEDOn())`.
macro_rules! zk {
    ($host:expr, $name:ident($($argument:expr => $type:ty),* $(,)?)) => {{
        // SAFETY: the vendor's signature; the arguments live as long as the call.
        unsafe {
            let function = $host
                .library
                .get::<unsafe extern "C" fn(Context $(, $type)*) -> c_int>(concat!(stringify!($name), "\0").as_bytes())
                .unwrap();
            function($host.context $(, $argument)*)
        }
    }};
}

fn host(model: &str) -> Host {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::new(dir.path(), model).unwrap();
    // SAFETY: the simulator's library, whose constructors do nothing.
    let library = unsafe { Library::new(simulator.install().unwrap()) }.unwrap();
    let mut host = Host { simulator, library, context: ptr::null_mut(), _dir: dir };
    assert_eq!(open(&mut host), 0);
    host
}

fn open(host: &mut Host) -> c_int {
    // SAFETY: zkOpen's signature, and a place for the context.
    unsafe {
        let open = host.library.get::<unsafe extern "C" fn(*mut Context) -> c_int>(b"zkOpen\0").unwrap();
        open(&mut host.context)
    }
}

/// What a function left in a place for a pointer, freed.
fn taken<T: Copy>(pointer: *mut T, len: usize) -> Vec<T> {
    assert!(!pointer.is_null());
    // SAFETY: the function answered with so many elements, in a buffer from malloc.
    unsafe {
        let values = std::slice::from_raw_parts(pointer, len).to_vec();
        libc::free(pointer.cast());
        values
    }
}

fn text(pointer: *mut c_char) -> String {
    // SAFETY: a string that the function allocated.
    let text = unsafe { CStr::from_ptr(pointer) }.to_str().unwrap().to_owned();
    taken(pointer, text.len());
    text
}

fn public(host: &Host, slot: c_int) -> Result<Vec<u8>, c_int> {
    let (mut key, mut len) = (ptr::null_mut::<u8>(), 0);
    match zk!(host, zkExportPubKey(&mut key => *mut *mut u8, &mut len => *mut c_int, slot => c_int, false => bool))
    {
        0 => Ok(taken(key, usize::try_from(len).unwrap())),
        error => Err(error),
    }
}

fn sign(host: &Host, slot: c_int) -> Result<Vec<u8>, c_int> {
    let (mut signature, mut len) = (ptr::null_mut::<u8>(), 0);
    let digest = [7u8; 32];
    match zk!(host, zkGenECDSASigFromDigest(
        digest.as_ptr() => *const u8, slot => c_int, &mut signature => *mut *mut u8, &mut len => *mut c_int
    )) {
        0 => Ok(taken(signature, usize::try_from(len).unwrap())),
        error => Err(error),
    }
}

fn verify(host: &Host, slot: c_int, signature: &[u8]) -> c_int {
    let len = c_int::try_from(signature.len()).unwrap();
    zk!(host, zkVerifyECDSASigFromDigest(
        [7u8; 32].as_ptr() => *const u8, slot => c_int, signature.as_ptr() => *const u8, len => c_int
    ))
}

fn generate(host: &Host, kind: c_uint) -> c_int {
    zk!(host, zkGenKeyPair(kind => c_uint))
}

#[test]
fn a_zymkey() {
    let host = host("ZYMKEY4");
    for slot in 0..3 {
        assert_eq!(public(&host, slot).unwrap().len(), 64);
        let mut signature = sign(&host, slot).unwrap();
        assert_eq!(signature.len(), 64);
        assert_eq!(verify(&host, slot, &signature), 1);
        signature[40] ^= 1;
        assert_eq!(verify(&host, slot, &signature), 0);
    }
    assert_eq!(public(&host, 3), Err(-libc::EINVAL));
    assert_eq!(generate(&host, 0), -libc::ENOSYS);
    let mut value = 0f32;
    assert_eq!(zk!(host, zkGetCPUTemp(&mut value => *mut f32)), -libc::ENOSYS);
    assert_eq!(zk!(host, zkLockBinding()), -libc::ENOSYS);
    let mut serial = ptr::null_mut();
    assert_eq!(zk!(host, zkGetSerialNumberString(&mut serial => *mut *mut c_char)), 0);
    assert!(text(serial).starts_with("SIM"));
    assert_eq!(zk!(host, zkGetSerialNumberString(ptr::null_mut() => *mut *mut c_char)), -libc::EINVAL);
    assert!(host.simulator.get("calls.log").unwrap().starts_with("# simulator"));
    assert_eq!(host.simulator.count("zkLockBinding").unwrap(), 1);
    assert_eq!(zk!(host, zkClose()), 0);
    assert_eq!(zk!(host, zkClose()), -libc::EBADF);
    assert_eq!(sign(&host, 0), Err(-libc::EBADF));
}

#[test]
fn an_hsm6_makes_keys_on_every_curve() {
    let host = host("HSM6");
    for (kind, len) in [(0, 64), (1, 64), (2, 32), (3, 32)] {
        let slot = generate(&host, kind);
        assert_eq!(slot, 16 + c_int::try_from(kind).unwrap());
        assert_eq!(public(&host, slot).unwrap().len(), len);
        match kind {
            3 => assert_eq!(sign(&host, slot), Err(-libc::EINVAL)),
            _ => assert_eq!(verify(&host, slot, &sign(&host, slot).unwrap()), 1),
        }
    }
    let (mut list, mut capacity, mut len) = (ptr::null_mut::<c_int>(), 0, 0);
    assert_eq!(
        zk!(host, zkGetAllocSlotsList(
            false => bool, &mut capacity => *mut c_int, &mut list => *mut *mut c_int, &mut len => *mut c_int
        )),
        0
    );
    let slots: Vec<c_int> = (0..12).chain(16..20).collect();
    assert_eq!((taken(list, usize::try_from(len).unwrap()), capacity), (slots, 512));
    assert_eq!(zk!(host, zkRemoveKey(16 => c_int, false => bool)), 0);
    assert_eq!(public(&host, 16), Err(-libc::ENOENT));
    assert_eq!(zk!(host, zkRemoveKey(0 => c_int, false => bool)), -libc::EPERM);
    assert_eq!(zk!(host, zkDisablePubKeyExport(17 => c_int, false => bool)), 0);
    assert_eq!(public(&host, 17), Err(-libc::EPERM));
}

#[test]
fn agreement_is_the_same_on_both_sides() {
    let (a, b) = (host("HSM6"), host("HSM64"));
    for kind in [0, 1, 3] {
        let (here, there) = (generate(&a, kind), generate(&b, kind));
        let secret = |host: &Host, slot: c_int, peer: &[u8]| {
            let mut secret = ptr::null_mut::<u8>();
            let len = c_int::try_from(peer.len()).unwrap();
            let done = zk!(host, zkDoRawECDH(
                slot => c_int, peer.as_ptr() => *const u8, len => c_int, &mut secret => *mut *mut u8
            ));
            assert_eq!(done, 0);
            taken(secret, 32)
        };
        assert_eq!(
            secret(&a, here, &public(&b, there).unwrap()),
            secret(&b, there, &public(&a, here).unwrap())
        );
    }
}

#[test]
fn wallets() {
    let host = host("HSM6");
    let name = CString::new("savings").unwrap();
    let mut mnemonic = ptr::null_mut::<c_char>();
    let master = zk!(host, zkGenWalletMasterSeedWithBIP39(
        1 => c_uint, c"".as_ptr() => *const c_char, name.as_ptr() => *const c_char, ptr::null() => *const u8,
        0 => c_int, c"".as_ptr() => *const c_char, &mut mnemonic => *mut *mut c_char
    ));
    assert_eq!(master, 16);
    let sentence = text(mnemonic);
    assert_eq!(sentence.split(' ').count(), 24);
    let mut slot = master;
    for (index, hardened) in [(44, true), (60, true), (0, true), (0, false)] {
        slot = zk!(host, zkGenWalletChildKey(
            slot => c_int, index => u32, hardened => bool, false => bool, ptr::null_mut() => *mut *mut u8
        ));
    }
    assert_eq!(slot, 20);
    let (mut address, mut wallet, mut of) = (ptr::null_mut(), ptr::null_mut(), 0);
    let node = zk!(host, zkGetWalletNodeAddrFromKeySlot(
        slot => c_int, &mut address => *mut *mut c_char, &mut wallet => *mut *mut c_char, &mut of => *mut c_int
    ));
    assert_eq!(
        (node, text(address), text(wallet), of),
        (0, "m/44'/60'/0'/0".into(), "savings".into(), master)
    );
    let mut found = 0;
    let looked = zk!(host, zkGetWalletKeySlotFromNodeAddr(
        c"m/44h/60h/0h/0".as_ptr() => *const c_char, name.as_ptr() => *const c_char, 0 => c_int, &mut found => *mut c_int
    ));
    assert_eq!((looked, found), (0, slot));

    // The sentence brings the same keys back, on another device.
    let other = self::host("SCM");
    let sentence = CString::new(sentence).unwrap();
    let restored = zk!(other, zkRestoreWalletMasterSeedFromBIP39Mnemonic(
        1 => c_uint, c"".as_ptr() => *const c_char, name.as_ptr() => *const c_char, ptr::null() => *const u8,
        0 => c_int, c"".as_ptr() => *const c_char, sentence.as_ptr() => *const c_char
    ));
    assert_eq!(public(&other, restored), public(&host, master));
    // A reboot of an SCM keeps it, and loses what was generated.
    let generated = generate(&other, 0);
    other.simulator.reboot().unwrap();
    assert_eq!(public(&other, generated), Err(-libc::ENOENT));
    assert!(public(&other, restored).is_ok());
}

#[test]
fn faults_and_absence() {
    let mut host = host("HSM6");
    host.simulator.fail("zkGenECDSASigFromDigest", libc::EIO, 2).unwrap();
    assert_eq!(sign(&host, 0), Err(-libc::EIO));
    assert_eq!(sign(&host, 0), Err(-libc::EIO));
    let good = sign(&host, 0).unwrap();
    host.simulator.garble("zkGenECDSASigFromDigest", 1).unwrap();
    host.simulator.shorten("zkGenECDSASigFromDigest", 1).unwrap();
    assert_eq!(verify(&host, 0, &sign(&host, 0).unwrap()), 0);
    assert_eq!(sign(&host, 0).unwrap().len(), 63);
    assert_eq!(verify(&host, 0, &good), 1);
    host.simulator.unplug().unwrap();
    assert_eq!(sign(&host, 0), Err(-libc::ENODEV));
    assert_eq!(open(&mut host), -libc::ENODEV);
    host.simulator.plug().unwrap();
    assert_eq!(sign(&host, 0).unwrap().len(), 64);
}

#[test]
fn the_perimeter() {
    let host = host("HSM4");
    let info = || {
        let (mut times, mut len) = (ptr::null_mut::<u32>(), 0);
        assert_eq!(
            zk!(host, zkGetPerimeterDetectInfo(&mut times => *mut *mut u32, &mut len => *mut c_int)),
            0
        );
        taken(times, usize::try_from(len).unwrap())
    };
    let wait = || zk!(host, zkWaitForPerimeterEvent(20 => u32));
    assert_eq!((info(), wait()), (vec![0, 0], -libc::ETIMEDOUT));
    host.simulator.breach(1, 1_700_000_000).unwrap();
    host.simulator.breach(1, 1_800_000_000).unwrap();
    // The first breach is what is told; nobody asked to be notified.
    assert_eq!((info(), wait()), (vec![0, 1_700_000_000], -libc::ETIMEDOUT));
    assert_eq!(zk!(host, zkSetPerimeterEventAction(1 => c_int, 1 => u32)), 0);
    assert_eq!((wait(), wait()), (0, -libc::ETIMEDOUT));
    assert_eq!(zk!(host, zkClearPerimeterDetectEvents()), 0);
    assert_eq!(info(), vec![0, 0]);
    // Self-destruction takes the keys.
    assert_eq!(zk!(host, zkSetPerimeterEventAction(0 => c_int, 2 => u32)), 0);
    host.simulator.breach(0, 1).unwrap();
    assert_eq!(sign(&host, 0), Err(-libc::ENOENT));
}

#[test]
fn locked_data() {
    let host = host("ZYMKEY4");
    let (mut locked, mut len) = (ptr::null_mut::<u8>(), 0);
    let plain = b"forty bytes of plaintext, or a few more.";
    let size = c_int::try_from(plain.len()).unwrap();
    assert_eq!(
        zk!(host, zkLockDataB2B(
            plain.as_ptr() => *const u8, size => c_int, &mut locked => *mut *mut u8, &mut len => *mut c_int, false => bool
        )),
        0
    );
    let mut locked = taken(locked, usize::try_from(len).unwrap());
    assert!(!locked.windows(5).any(|window| window == b"forty"));
    let unlock = |locked: &[u8], shared: bool| {
        let (mut out, mut size) = (ptr::null_mut::<u8>(), 0);
        match zk!(host, zkUnlockDataB2B(
            locked.as_ptr() => *const u8, len => c_int, &mut out => *mut *mut u8, &mut size => *mut c_int,
            shared => bool
        )) {
            0 => Ok(taken(out, usize::try_from(size).unwrap())),
            error => Err(error),
        }
    };
    assert_eq!(unlock(&locked, false).unwrap(), plain);
    assert_eq!(unlock(&locked, true), Err(-libc::EBADMSG));
    locked[20] ^= 1;
    assert_eq!(unlock(&locked, false), Err(-libc::EBADMSG));
}
