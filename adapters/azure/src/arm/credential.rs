//! As whom Azure is asked. Secrets, certificates and tokens of files are read anew whenever a token is needed after one was
//! refused, so that renewing the file is enough.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::ClientOptions;
use azure_identity::{
    AzureCliCredential, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use serde::Deserialize;

use super::certificate::Certificate;

/// Which of Azure's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cloud {
    #[default]
    Public,
    UsGovernment,
    China,
}

impl Cloud {
    /// Where its ARM is.
    pub(crate) fn arm(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// Whom its tokens are for.
    pub(crate) fn audience(self) -> &'static str {
        self.arm()
    }

    /// Who gives its tokens.
    pub(crate) fn login(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    fn configuration(self) -> Arc<CloudConfiguration> {
        Arc::new(match self {
            Self::Public => CloudConfiguration::AzurePublic,
            Self::UsGovernment => CloudConfiguration::AzureGovernment,
            Self::China => CloudConfiguration::AzureChina,
        })
    }
}

/// The kind of an identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IdentityKind {
    /// Of the machine or the app service that the sidecar runs on.
    #[default]
    ManagedIdentity,
    /// Of a Kubernetes service account.
    WorkloadIdentity,
    /// Of an application that knows a secret.
    ClientSecret,
    /// Of an application that has a certificate.
    ClientCertificate,
    /// Of whoever signed in with `az login`; for trying out.
    AzureCli,
}

/// An identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) kind: IdentityKind,
    pub(crate) cloud: Cloud,
    /// The tenant's id; from the environment where the kind allows it.
    pub(crate) tenant: Option<String>,
    /// The application's id, or that of a managed identity.
    pub(crate) client: Option<String>,
    /// Where the secret, the certificate or the token of the service account stands.
    pub(crate) file: Option<PathBuf>,
}

/// Why an identity cannot be used; in words that name no path and no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the file of the secret cannot be read")]
    Secret,
    #[error("the file of the certificate cannot be read")]
    File,
    #[error("the file of the certificate holds no certificate with an RSA key, in PEM")]
    Certificate,
    #[error("the assertion cannot be signed")]
    Signature,
}

impl From<Unusable> for azure_core::Error {
    fn from(unusable: Unusable) -> Self {
        Self::new(ErrorKind::Credential, unusable)
    }
}

impl Identity {
    fn credential(&self, options: &ClientOptions) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let client_options = ClientOptions { cloud: Some(self.cloud.configuration()), ..options.clone() };
        let (tenant, client) = (self.tenant.clone().unwrap_or_default(), self.client.clone().unwrap_or_default());
        Ok(match self.kind {
            IdentityKind::ManagedIdentity => {
                let user_assigned_id = self.client.clone().map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options))?
            }
            IdentityKind::WorkloadIdentity => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: self.client.clone(),
                    tenant_id: self.tenant.clone(),
                    token_file_path: self.file.clone(),
                }))?
            }
            IdentityKind::ClientSecret => {
                let secret = self.file.as_deref().and_then(secret).ok_or(Unusable::Secret)?;
                ClientSecretCredential::new(
                    &tenant,
                    client,
                    secret,
                    Some(ClientSecretCredentialOptions { client_options }),
                )?
            }
            IdentityKind::ClientCertificate => {
                let pem = self.file.as_deref().and_then(|path| std::fs::read(path).ok()).ok_or(Unusable::File)?;
                let audience = format!("{}/{tenant}/oauth2/v2.0/token", self.cloud.login());
                let certificate = Certificate::read(&pem, audience, client.clone())?;
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client, certificate, Some(options))?
            }
            IdentityKind::AzureCli => AzureCliCredential::new(None)?,
        })
    }
}

fn secret(path: &Path) -> Option<Secret> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::from(text.to_owned()))
}

/// A credential that is made when it is needed, and made anew after it was forgotten.
pub(super) struct Renewing {
    identity: Identity,
    options: ClientOptions,
    held: Mutex<Option<Arc<dyn TokenCredential>>>,
}

impl Renewing {
    pub(super) fn new(identity: Identity, options: ClientOptions) -> Self {
        Self { identity, options, held: Mutex::default() }
    }

    /// Forgets tokens and whatever was read from files.
    pub(super) fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn held(&self) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credential) = &*held {
            return Ok(Arc::clone(credential));
        }
        let made = self.identity.credential(&self.options)?;
        *held = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl std::fmt::Debug for Renewing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewing").field("kind", &self.identity.kind).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl TokenCredential for Renewing {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let token = self.held()?.get_token(scopes, options).await;
        token.inspect_err(|_| self.forget())
    }
}
