//! TLS settings of journeys: whom they trust and who they are.

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// Client certificates that a worker knows at once.
const IDENTITIES_MAX: usize = 64;
/// Bytes of a chain, and of a key: they are kept.
const PEM_BYTES_MAX: usize = 256 << 10;

/// Certificates that are trusted: the system's (or those of `SSL_CERT_FILE`, `SSL_CERT_DIR`), read once a process.
static TRUSTED: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// Reads the system's certificates before the first journey needs them, which takes tens of milliseconds.
pub fn trust_in_background() {
    std::thread::spawn(|| trusted().len());
}

fn trusted() -> &'static Arc<RootCertStore> {
    TRUSTED.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        // There may be hundreds, mostly for one reason.
        if let Some(first) = found.errors.first() {
            let (wrong, good) = (found.errors.len(), found.certs.len());
            tracing::warn!("{good} trusted certificates were read, and {wrong} files of them can't be: {first}");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    })
}

/// The client certificates of a worker and the settings made of them.
#[derive(Default)]
pub struct Identities {
    known: Vec<Identity>,
    configs: HashMap<(Option<u32>, bool), Arc<ClientConfig>>,
}

struct Identity {
    pem: (String, String),
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identities {
    /// Makes a client certificate known, or finds it. The error says what is wrong with it.
    pub fn add(&mut self, chain: String, key: String) -> Result<u32, String> {
        if chain.len().max(key.len()) > PEM_BYTES_MAX {
            return Err(format!("a certificate chain or key has at most {PEM_BYTES_MAX} bytes"));
        }
        let pem = (chain, key);
        if let Some(known) = self.known.iter().position(|known| known.pem == pem) {
            return u32::try_from(known).map_err(|error| error.to_string());
        }
        if self.known.len() >= IDENTITIES_MAX {
            return Err(format!("{IDENTITIES_MAX} client certificates are known already"));
        }
        let chain = CertificateDer::pem_slice_iter(pem.0.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the certificate chain is not PEM: {error}"))?;
        if chain.is_empty() {
            return Err("the certificate chain has no certificate".to_owned());
        }
        let key =
            PrivateKeyDer::from_pem_slice(pem.1.as_bytes()).map_err(|error| format!("the key is not PEM: {error}"))?;
        self.known.push(Identity { pem, chain, key });
        let number = u32::try_from(self.known.len() - 1).map_err(|error| error.to_string())?;
        // Whether chain and key fit is seen when settings are made of them: better now than at the first request.
        self.config(Some(number), false).inspect_err(|_| drop(self.known.pop()))?;
        Ok(number)
    }

    /// The settings for a connection.
    pub fn config(&mut self, identity: Option<u32>, insecure: bool) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.configs.get(&(identity, insecure)) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.make(identity, insecure)?);
        self.configs.insert((identity, insecure), config.clone());
        Ok(config)
    }

    fn make(&self, identity: Option<u32>, insecure: bool) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        } else {
            builder.with_root_certificates(trusted().clone())
        };
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(number) => {
                let identity =
                    self.known.get(number as usize).ok_or_else(|| format!("there is no identity {number}"))?;
                builder
                    .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                    .map_err(|error| format!("the client certificate can't be used: {error}"))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Accepts every certificate: for requests that ask not to verify. Signatures are still checked.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
