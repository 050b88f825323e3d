//! General-purpose functions (PKCS#11 v3.2, section 5.4).

use std::sync::Arc;

use crate::config::{Config, Environment};
use crate::error::Result;
use crate::module::Module;
use crate::observe::{Level, Target};
use crate::types::{MANUFACTURER, VERSION, ck, padded};
use crate::{backend, observe};

const DESCRIPTION: &str = "keyward PKCS#11 module";

/// C_Initialize: reads the configuration and sets up the backends. No token is opened, no network asked.
pub fn initialize(module: &Module, reserved: Option<&str>) -> Result<()> {
    expect_self_tested()?;
    module.start(|| {
        let config = Config::load(&Environment::process(), reserved).inspect_err(|_| {
            // What the configuration wants of the log isn't known; why it can't be read must be seen all the same.
            observe::init(Level::Warn, &Target::Stderr);
        })?;
        observe::init(config.log.level, &config.log.target);
        let config = Arc::new(config);
        let providers = backend::providers(&config)?;
        Ok((config, providers))
    })
}

/// With the feature `fips`, that AWS-LC is its FIPS module and has passed its self-test. CKR_FIPS_SELF_TEST_FAILED.
fn expect_self_tested() -> Result<()> {
    #[cfg(feature = "fips")]
    if !crate::crypto::is_self_tested() {
        let why = "AWS-LC does not run as a FIPS module whose self-test passed";
        return Err(crate::error::Error::new(crate::error::ErrorKind::FipsSelfTestFailed, why));
    }
    Ok(())
}

/// C_Finalize.
pub fn finalize(module: &Module) -> Result<()> {
    module.stop()
}

/// C_GetInfo.
pub fn info(_module: &Module) -> ck::CK_INFO {
    ck::CK_INFO {
        cryptokiVersion: ck::CK_VERSION { major: 3, minor: 2 },
        manufacturerID: padded(MANUFACTURER),
        flags: 0,
        libraryDescription: padded(DESCRIPTION),
        libraryVersion: VERSION,
    }
}
