//! Verification of a signature that came first (C_VerifySignatureInit to C_VerifySignatureFinal).

use super::{Answer, Slot, Stage};
use crate::error::Result;
use crate::mechanism::op::Verifier;

/// A verification whose signature came first (C_VerifySignatureInit).
pub struct Judgement {
    /// The verification.
    pub verifier: Box<dyn Verifier>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Slot<Judgement> {
    /// C_VerifySignature.
    pub fn once(&mut self, data: &[u8]) -> Result<()> {
        self.run(|active| {
            active.expect_ready()?;
            let Judgement { verifier, signature } = &mut *active.operation;
            verifier.once(data, signature)?;
            Ok((Answer::Written(0), false))
        })
        .map(drop)
    }

    /// C_VerifySignatureUpdate.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.run(|active| {
            active.stage = Stage::Streaming;
            active.operation.verifier.update(part)?;
            Ok((Answer::Written(0), true))
        })
        .map(drop)
    }

    /// C_VerifySignatureFinal.
    pub fn finish(&mut self) -> Result<()> {
        self.run(|active| {
            let Judgement { verifier, signature } = &mut *active.operation;
            verifier.finish(signature)?;
            Ok((Answer::Written(0), false))
        })
        .map(drop)
    }
}
