//! Azure.
/// Opens.
pub fn open(reader: &mut crate::config::SlotReader<'_>, connection: crate::cloud::Connection) -> crate::config::Result<std::sync::Arc<dyn super::client::KmsClient>> {
    let _ = connection;
    Err(reader.refuse("not yet"))
}
