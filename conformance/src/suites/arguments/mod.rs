//! Every argument of every function, made wrong one at a time.
//!
//! [`rows`] holds a call of each function as it should be; [`faults`] derives from its arguments what can be wrong
//! with it, and what the specification says to that. One case per function, one verdict per fault. Functions that no
//! row can hold, since they begin or end the library, have cases of their own in [`library`].

mod call;
mod faults;
mod library;
mod rows;
mod scene;

use cryptoki_sys::{CKR_FUNCTION_NOT_SUPPORTED, CKR_OK};

use crate::runner::{Case, Check, Context, Failure, Suite, Tally};
use crate::{ensure, skip};

use rows::Row;
use scene::Scene;

/// The suite.
pub fn suite() -> Suite {
    let mut cases = library::cases();
    cases.extend(
        rows::all()
            .into_iter()
            .map(|row| Case::many(row.function, move |context, tally| judge(&row, context, tally))),
    );
    Suite { name: "arguments", cases }
}

/// One function: the call as it should be, then every fault.
fn judge(row: &Row, context: &Context, tally: &mut Tally) -> Check {
    let scene = Scene::new(context)?;
    for (mechanism, flags) in row.needs {
        scene.token.need(*mechanism, *flags)?;
    }
    let (rv, length) = match scene.whole(row) {
        Err(Failure::Failed(reason)) if reason.contains("CKR_FUNCTION_NOT_SUPPORTED") => skip!("{reason}"),
        other => other?,
    };
    if rv == CKR_FUNCTION_NOT_SUPPORTED {
        skip!("no {}", row.function);
    }
    ensure!(rv == CKR_OK, "{} answers {rv} where nothing is wrong", row.function);
    let session = scene.token.session(crate::RW)?;
    let arguments = (row.arguments)(&scene, &session)?;
    for fault in faults::faults(row, &arguments, length, scene.data) {
        tally.record(&format!("{}#{}", row.function, fault.what), scene.check(row, &fault, length));
    }
    Ok(())
}
