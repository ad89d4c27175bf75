//! Landlock: opening files, using TCP ports and reaching processes outside are refused by the kernel's own rules.

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetError, RulesetStatus, Scope,
};

/// The newest rules that were tested. Older kernels hold as many of them as they know.
const NEWEST: ABI = ABI::V9;

pub fn restrict() -> Result<String, String> {
    let status = refuse_all().map_err(|error| error.to_string())?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } if status.ruleset != RulesetStatus::NotEnforced => {
            effective_abi
        }
        LandlockStatus::NotImplemented => return Err("the kernel knows no Landlock".to_owned()),
        _ => return Err("Landlock is not enabled in the kernel".to_owned()),
    };
    Ok(match abi as i32 {
        old @ ..=3 => format!("files; ABI {old} knows neither ports nor signals"),
        old @ ..=5 => format!("files and ports; ABI {old} knows no signals"),
        new => format!("files, ports, signals (ABI {new})"),
    })
}

/// Asks for rules about everything, and grants nothing.
fn refuse_all() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()
}
