//! The certificates that a server's certificate must lead to: those of the system, or a bundle that takes their place.

use std::io::Read;
use std::path::Path;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::prelude::{BASE64_STANDARD, Engine};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::files::{Files, expand, variable};
use crate::error::Error;

/// The largest bundles, of all public authorities, have a quarter of a megabyte.
const LARGEST: u64 = 16 << 20;

/// The roots and where they come from.
#[derive(Debug, Clone)]
pub(super) struct Roots {
    pub(super) context: TlsContext,
    /// Where they come from, in words.
    pub(super) shown: String,
}

impl Roots {
    /// The bundle that `AWS_CA_BUNDLE` names, or else `ca_bundle` of the profile; otherwise the system's roots, or those
    /// that `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// `BadCaBundle` for a file that cannot be read or holds no certificate.
    pub(super) async fn find(files: Option<&Files>) -> Result<Self, Error> {
        let by_variable = variable("AWS_CA_BUNDLE").map(|path| (path, "AWS_CA_BUNDLE".to_owned()));
        let by_profile = || {
            let files = files?;
            let path = files.setting("ca_bundle")?.to_owned();
            Some((path, format!("ca_bundle of {}", files.place(&files.profile, "ca_bundle"))))
        };
        let Some((path, by)) = by_variable.or_else(by_profile) else { return Self::of_system().await };
        let store = certificates(&path, &by)
            .await?
            .into_iter()
            .fold(TrustStore::empty(), |store, certificate| store.with_pem_certificate(pem(&certificate)));
        let context = TlsContext::builder().with_trust_store(store).build();
        let context = context.map_err(|error| Error::usage("BadCaBundle", format!("{by}: {error}")))?;
        Ok(Self { context, shown: format!("the certificates in {path} ({by})") })
    }

    async fn of_system() -> Result<Self, Error> {
        let shown = match variable("SSL_CERT_FILE") {
            Some(path) => {
                // The library that reads it passes over what it cannot read.
                certificates(&path, "SSL_CERT_FILE").await?;
                format!("the certificates in {path} (SSL_CERT_FILE)")
            }
            None => "the root certificates of this system".to_owned(),
        };
        Ok(Self { context: TlsContext::default(), shown })
    }
}

/// The certificates of a file that can be roots.
async fn certificates(path: &str, by: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let file = expand(path);
    let read = tokio::task::spawn_blocking(move || read(&file)).await;
    let refused = |why: String| {
        Error::usage("BadCaBundle", format!("{path} ({by}) {why}"))
            .hint("it must be a file of certificates in PEM form, the lines from BEGIN CERTIFICATE to END CERTIFICATE")
    };
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(refused(format!("cannot be read: {error}"))),
        Err(error) => return Err(refused(format!("cannot be read: {error}"))),
    };
    // One that rustls cannot use as a root would panic in the SDK.
    let usable =
        |certificate: &CertificateDer<'static>| rustls::RootCertStore::empty().add(certificate.clone()).is_ok();
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).filter(usable).collect();
    if certificates.is_empty() {
        Err(refused("holds no certificate that can be used".to_owned()))
    } else {
        Ok(certificates)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if size as u64 > LARGEST { Err(std::io::Error::other("larger than 16 MiB")) } else { Ok(bytes) }
}

fn pem(certificate: &[u8]) -> Vec<u8> {
    let text = BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").into_bytes()
}
