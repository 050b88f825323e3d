//! `keyward kms mechanisms`: the providers' rows.

use clap::Args;
use serde_json::json;

use crate::backend::kms::client::{Offer, Service};
use crate::backend::kms::services;
use crate::cli::error::Result;
use crate::cli::output::{Answer, Table};
use crate::mechanism;
use crate::types::ck;

/// What to list.
#[derive(Args, Debug)]
pub struct Mechanisms {
    /// Only this provider's
    #[arg(long, value_name = "aws|gcp|azure|vault")]
    pub provider: Option<String>,
    /// Print the tables of docs/kms.md
    #[arg(long)]
    pub markdown: bool,
}

const OPERATIONS: &[(ck::CK_FLAGS, &str)] = &[
    (ck::CKF_SIGN, "sign"),
    (ck::CKF_VERIFY, "verify"),
    (ck::CKF_ENCRYPT, "encrypt"),
    (ck::CKF_DECRYPT, "decrypt"),
    (ck::CKF_UNWRAP, "unwrap"),
    (ck::CKF_DERIVE, "derive"),
    (ck::CKF_DECAPSULATE, "decapsulate"),
    (ck::CKF_GENERATE, "generate"),
    (ck::CKF_GENERATE_KEY_PAIR, "generate pair"),
];

fn operations(offer: &Offer) -> Vec<&'static str> {
    OPERATIONS.iter().filter(|(flag, _)| offer.flags & flag != 0).map(|(_, name)| *name).collect()
}

fn name(offer: &Offer) -> String {
    mechanism::descriptor(offer.mechanism)
        .map_or_else(|| format!("{:#x}", offer.mechanism), |row| row.name.to_owned())
}

/// Lists.
pub fn run(args: &Mechanisms) -> Result<Answer> {
    let wanted = |service: &&Service| args.provider.as_deref().is_none_or(|name| name == service.provider);
    let services: Vec<&Service> = services().filter(wanted).collect();
    let row = |service: &Service, offer: &Offer| {
        json!({
            "provider": service.provider,
            "mechanism": name(offer),
            "operations": operations(offer),
            "limits": offer.limits,
        })
    };
    let rows =
        services.iter().flat_map(|service| service.offers.iter().map(move |offer| row(service, offer)));
    let json = json!({ "mechanisms": rows.collect::<Vec<_>>() });
    let text = if args.markdown { markdown(&services) } else { table(&services) };
    Ok(Answer::new(text, json))
}

fn table(services: &[&Service]) -> String {
    let mut table = Table::new(&["provider", "mechanism", "operations", "limits"]);
    for service in services {
        for offer in service.offers {
            let operations = operations(offer).join(", ");
            table.row([service.provider.to_owned(), name(offer), operations, offer.limits.to_owned()]);
        }
    }
    table.render("no provider in this build")
}

/// One table for each provider, and the permissions that each act takes.
fn markdown(services: &[&Service]) -> String {
    let mut page = String::new();
    for service in services {
        page.push_str(&format!("### {} (`provider = \"{}\"`)\n\n", service.manufacturer, service.provider));
        page.push_str("| mechanism | the service does | limits |\n| --- | --- | --- |\n");
        for offer in service.offers {
            let operations = operations(offer).join(", ");
            page.push_str(&format!("| {} | {operations} | {} |\n", name(offer), offer.limits));
        }
        page.push_str("\nPermissions, least first:\n\n");
        for (act, permission) in service.permissions {
            page.push_str(&format!("- {}: {permission}\n", format!("{act:?}").to_lowercase()));
        }
        page.push('\n');
    }
    page.trim_end().to_owned()
}
