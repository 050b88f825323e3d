//! Several threads at once.

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, Failure, expect};
use crate::{Attr, Mech, Module, RW, Rv, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![sessions_in_threads, objects_in_threads, sign_beside_key_generation, finalize_beside_calls]
}

/// Runs `work` in eight threads and gives the first error.
fn in_threads(work: impl Fn(u8) -> Result<(), Rv> + Sync) -> Check {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work(number)
                })
            })
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(result) => result.map_err(|rv| Failure::Failed(format!("a thread gets {rv}")))?,
                Err(_) => return Err(Failure::Failed("a thread panics".into())),
            }
        }
        Ok(())
    })
}

fn sessions_in_threads(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let (public, private) = fixture::ec(&session, &[])?;
    let (module, slot) = (token.module.clone(), token.slot);
    in_threads(|number| {
        let session = module.open_session(slot, RW)?;
        for _ in 0..50 {
            let digest = [number; 32];
            let signature = session.sign(&Mech::new(CKM_ECDSA), private, &digest)?;
            session.verify(&Mech::new(CKM_ECDSA), public, &digest, &signature)?;
        }
        Ok(())
    })
}

fn objects_in_threads(context: &Context) -> Check {
    let token = context.token()?;
    let _login = token.user_session()?;
    let (module, slot) = (token.module.clone(), token.slot);
    in_threads(|number| {
        let session = module.open_session(slot, RW)?;
        let label = format!("thread {number}");
        for round in 0..20 {
            let extra = [Attr::token(round % 4 == 0), Attr::label(&label)];
            let object = session.create(&fixture::with(fixture::data_template("", b"x"), &extra))?;
            let found = session.find(&[Attr::label(&label)])?;
            if found != [object] {
                return Err(Rv(CKR_OBJECT_HANDLE_INVALID));
            }
            session.destroy(object)?;
        }
        Ok(())
    })
}

fn sign_beside_key_generation(context: &Context) -> Check {
    let token = context.token()?;
    let login = token.user_session()?;
    let (_, private) = fixture::ec(&login, &[])?;
    let (module, slot) = (token.module.clone(), token.slot);
    in_threads(|number| {
        let session = module.open_session(slot, RW)?;
        if number == 0 {
            return fixture::rsa(&session, &[]).map(drop);
        }
        (0..100).try_for_each(|_| session.sign(&Mech::new(CKM_ECDSA), private, &[number; 32]).map(drop))
    })
}

/// C_Finalize while others call is the caller's mistake, but no reason to crash.
fn finalize_beside_calls(context: &Context) -> Check {
    let token = context.token()?;
    if context.kind == crate::Kind::Softhsm {
        crate::skip!("SoftHSM dies of it");
    }
    let module: Module = token.module.clone();
    let slot = token.slot;
    let calling = std::thread::spawn(move || {
        for _ in 0..2000 {
            if let Ok(session) = module.open_session(slot, RW) {
                let _ = session.random(16);
            }
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(2));
    let finalized = token.module.finalize();
    ensure!(calling.join().is_ok(), "the other thread panics");
    expect(finalized, &[CKR_OK])
}
