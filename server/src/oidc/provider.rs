//! The provider: where people sign in, what it says about them, and whether it still says so.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lifecycle::authority::SignInRefused;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret,
    CsrfToken, IssuerUrl, Nonce, NonceVerifier, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, SubjectIdentifier, TokenResponse, UserInfoError,
    core::{CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreProviderMetadata},
};
use serde::{Deserialize, Serialize};
use store::identities::{Claims, Due, Pending};

use super::{
    arguments::{OidcArguments, given, issuer},
    claims::{OtherClaims, Read},
    client::{ALGORITHMS, Described, Tokens},
    http::Http,
};
use crate::error::CliError;

/// How long the provider's description and keys are used before they are fetched again.
const DESCRIBED_FOR: Duration = Duration::from_secs(5 * 60);

/// The sign-in provider that the host trusts.
#[derive(Debug)]
pub struct Provider {
    name: Arc<str>,
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    groups_claim: String,
    http: Http,
    described: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

/// A sign-in that begins.
pub struct Begun {
    client: Box<Described>,
    challenge: PkceCodeChallenge,
    /// What the ID token has to hold.
    pub nonce: String,
    /// What proves to the provider that this program asked.
    pub verifier: String,
}

/// What the provider says of a person who signed in there.
pub struct Confirmation {
    /// Who it is.
    pub claims: Claims,
    /// With what the provider is asked again.
    pub secret: Vec<u8>,
}

/// What came of asking again.
pub enum Asked {
    /// The provider confirms the person.
    Confirmed(Confirmation),
    /// The provider does not confirm the session; the reason is for the audit record.
    Refused(String),
    /// The provider gave no answer; it may later.
    Unreachable(String),
}

/// With what the provider is asked again.
#[derive(Serialize, Deserialize)]
struct Secret {
    access: String,
    refresh: Option<String>,
}

impl Provider {
    /// The provider of these arguments; `None` without one. Nothing is connected yet. `base` is the address at which
    /// people reach this server.
    ///
    /// # Errors
    /// [`CliError::Usage`] for an issuer that is no trustworthy address, and without a client id.
    pub fn new(arguments: &OidcArguments, base: &str) -> Result<Option<Self>, CliError> {
        let Some(text) = given(&arguments.oidc_issuer) else { return Ok(None) };
        let url = issuer(text)?;
        let client_id = given(&arguments.oidc_client_id).ok_or_else(|| {
            CliError::Usage("--oidc-issuer needs --oidc-client-id, the name of this program there".to_owned())
        })?;
        let host = url.host_str().unwrap_or_default();
        let wrong = |error: &dyn std::fmt::Display| CliError::Usage(format!("--oidc-issuer cannot be used: {error}"));
        let scopes = arguments.oidc_scopes.split_whitespace().filter(|scope| *scope != "openid");
        Ok(Some(Self {
            name: given(&arguments.oidc_name).unwrap_or(host).into(),
            http: Http::new(&url)?,
            issuer: IssuerUrl::new(text.to_owned()).map_err(|error| wrong(&error))?,
            client_id: ClientId::new(client_id.to_owned()),
            client_secret: given(&arguments.oidc_client_secret).map(|secret| ClientSecret::new(secret.to_owned())),
            redirect: RedirectUrl::new(format!("{base}/oidc/callback")).map_err(|error| wrong(&error))?,
            scopes: scopes.map(|scope| Scope::new(scope.to_owned())).collect(),
            groups_claim: arguments.oidc_groups_claim.trim().to_owned(),
            described: Mutex::new(None),
        }))
    }

    /// What people call it.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// The provider's own name, which every token names.
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// [`SignInRefused::Unreachable`]
    pub async fn begin(&self) -> Result<Begun, SignInRefused> {
        let client = Box::new(self.client().await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = Nonce::new_random().secret().clone();
        Ok(Begun { client, challenge, nonce, verifier: verifier.secret().clone() })
    }

    /// The address at the provider where the person signs in, with what it sends back.
    pub fn address(&self, begun: Begun, state: String) -> String {
        let Begun { client, challenge, nonce, .. } = begun;
        let request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        );
        request.add_scopes(self.scopes.iter().cloned()).set_pkce_challenge(challenge).url().0.into()
    }

    /// Exchanges the code with which a browser came back for what the provider says about the person.
    ///
    /// # Errors
    /// The provider cannot be reached or refuses; a token that is not for this sign-in or has expired.
    pub async fn complete(&self, code: String, pending: &Pending) -> Result<Confirmation, SignInRefused> {
        let client = self.client().await?;
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| {
            tracing::warn!(%error, "the sign-in provider describes no token endpoint");
            SignInRefused::Unreachable
        })?;
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let tokens = request.set_pkce_verifier(verifier).request_async(&self.http).await.map_err(|error| {
            let refused = match &error {
                RequestTokenError::Request(_) => SignInRefused::Unreachable,
                RequestTokenError::ServerResponse(_) => SignInRefused::Declined,
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => SignInRefused::NotTrusted,
            };
            tracing::warn!(error = with_causes(&error), "the sign-in provider gave no tokens for a code");
            refused
        })?;
        let nonce = Nonce::new(pending.nonce.clone());
        let read = match self.read(&client, &tokens, &nonce).await {
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                // The provider may have changed its keys since they were fetched.
                self.forget();
                self.read(&self.client().await?, &tokens, &nonce).await
            }
            read => read,
        };
        let read = read.map_err(|error| {
            tracing::warn!(%error, "an ID token was not trusted");
            if matches!(error, ClaimsVerificationError::Expired(_)) {
                SignInRefused::Expired
            } else {
                SignInRefused::NotTrusted
            }
        })?;
        let read = if read.is_complete() {
            read
        } else {
            match self.user_info(&client, tokens.access_token().clone(), &read.subject).await {
                Ok(Some(info)) => read.or(info),
                Ok(None) => read,
                Err(Failed::Refused(why)) => {
                    tracing::warn!(error = why, "the user info of a person who signed in was not trusted");
                    return Err(SignInRefused::NotTrusted);
                }
                Err(Failed::Unreachable(why)) => {
                    tracing::warn!(error = why, "the user info endpoint does not answer");
                    return Err(SignInRefused::Unreachable);
                }
            }
        };
        let claims = read.at(self.issuer()).ok_or(SignInRefused::NotTrusted)?;
        Ok(Confirmation { claims, secret: secret(&tokens, None) })
    }

    /// Asks whether the provider still confirms the person of a session.
    pub async fn ask(&self, due: &Due) -> Asked {
        if due.issuer != self.issuer() {
            return Asked::Refused("this server trusts another sign-in provider now".to_owned());
        }
        let secret = due.secret.as_deref().and_then(|bytes| serde_json::from_slice::<Secret>(bytes).ok());
        let Some(secret) = secret else {
            return Asked::Refused(
                "what the provider is asked with cannot be read with the keys of this server".to_owned(),
            );
        };
        match self.ask_with(due, secret).await {
            Ok(answer) => Asked::Confirmed(answer),
            Err(Failed::Refused(why)) => Asked::Refused(why),
            Err(Failed::Unreachable(why)) => Asked::Unreachable(why),
        }
    }

    async fn ask_with(&self, due: &Due, known: Secret) -> Result<Confirmation, Failed> {
        let client = self.client().await.map_err(|_| Failed::Unreachable("it does not describe itself".to_owned()))?;
        let subject = due.subject.clone();
        let none = Read { subject: subject.clone(), ..Read::default() };
        let Some(refresh) = known.refresh else {
            let info = self.user_info(&client, AccessToken::new(known.access.clone()), &subject).await?;
            let read = info.ok_or_else(|| {
                Failed::Refused(
                    "the provider gave nothing to ask again with: neither a refresh token nor user info".into(),
                )
            })?;
            let secret = serde_json::to_vec(&Secret { access: known.access, refresh: None }).unwrap_or_default();
            return Ok(Confirmation { claims: self.claims(read)?, secret });
        };
        let refresh = RefreshToken::new(refresh);
        let request =
            client.exchange_refresh_token(&refresh).map_err(|error| Failed::Unreachable(error.to_string()))?;
        let tokens = request.request_async(&self.http).await.map_err(|error| match &error {
            RequestTokenError::ServerResponse(answer) if *answer.error() == CoreErrorResponseType::InvalidGrant => {
                Failed::Refused("the provider ended the session".to_owned())
            }
            _ => Failed::Unreachable(with_causes(&error)),
        })?;
        let token = match tokens.id_token() {
            None => none,
            // The nonce was that of the sign-in; this token was fetched from the provider itself.
            Some(_) => {
                let read = self.read(&client, &tokens, |_: Option<&Nonce>| Ok(())).await;
                read.map_err(|error| {
                    if matches!(error, ClaimsVerificationError::SignatureVerification(_)) {
                        // The keys are fetched again for the next attempt.
                        self.forget();
                        Failed::Unreachable(error.to_string())
                    } else {
                        Failed::Refused(error.to_string())
                    }
                })?
            }
        };
        if token.subject != subject {
            return Err(Failed::Refused("the provider answered about another person".to_owned()));
        }
        // User info is as of now; what is only in ID tokens comes from there.
        let read = match self.user_info(&client, tokens.access_token().clone(), &subject).await? {
            Some(info) => info.or(token),
            None => token,
        };
        Ok(Confirmation { claims: self.claims(read)?, secret: secret(&tokens, Some(&refresh)) })
    }

    fn claims(&self, read: Read) -> Result<Claims, Failed> {
        read.at(self.issuer()).ok_or_else(|| Failed::Refused("the provider does not say who it is about".to_owned()))
    }

    /// The claims of the ID token among `tokens`, verified.
    async fn read(
        &self,
        client: &Described,
        tokens: &Tokens,
        nonce: impl NonceVerifier,
    ) -> Result<Read, ClaimsVerificationError> {
        let other = |error: &dyn std::fmt::Display| ClaimsVerificationError::Other(error.to_string());
        let token = tokens.id_token().ok_or_else(|| other(&"there is no ID token"))?;
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| other(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| other(&error))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.map_err(|error| other(&error))? != *expected {
                return Err(other(&"the access token does not belong to the ID token"));
            }
        }
        Ok(Read::id_token(claims, &self.groups_claim))
    }

    /// What the user info endpoint says about `subject`; `None` when there is no such endpoint.
    async fn user_info(&self, client: &Described, access: AccessToken, subject: &str) -> Result<Option<Read>, Failed> {
        let Ok(request) = client.user_info(access, Some(SubjectIdentifier::new(subject.to_owned()))) else {
            return Ok(None);
        };
        match request.request_async::<OtherClaims, _, CoreGenderClaim>(&self.http).await {
            Ok(claims) => Ok(Some(Read::user_info(&claims, &self.groups_claim))),
            Err(UserInfoError::Response(status, ..)) if status.is_client_error() && status.as_u16() != 429 => {
                Err(Failed::Refused(format!("the provider answers {} about the person", status.as_u16())))
            }
            Err(UserInfoError::ClaimsVerification(error)) => Err(Failed::Refused(error.to_string())),
            Err(error) => Err(Failed::Unreachable(with_causes(&error))),
        }
    }

    /// A client that knows the provider's addresses and keys.
    async fn client(&self) -> Result<Described, SignInRefused> {
        let known = {
            let described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
            described.as_ref().filter(|(at, _)| at.elapsed() < DESCRIBED_FOR).map(|(_, metadata)| metadata.clone())
        };
        let metadata = match known {
            Some(metadata) => metadata,
            None => {
                let fetched = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
                let metadata = fetched.map_err(|error| {
                    tracing::warn!(
                        issuer = self.issuer(),
                        error = with_causes(&error),
                        "the sign-in provider cannot be reached"
                    );
                    SignInRefused::Unreachable
                })?;
                *self.described.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), metadata.clone()));
                metadata
            }
        };
        Ok(Client::from_provider_metadata(metadata, self.client_id.clone(), self.client_secret.clone())
            .set_redirect_uri(self.redirect.clone()))
    }

    /// Fetches description and keys again next time.
    fn forget(&self) {
        *self.described.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Why asking again gave no confirmation.
enum Failed {
    Refused(String),
    Unreachable(String),
}

/// With what the provider is asked again: the newest refresh token, or the one before where a provider keeps it.
fn secret(tokens: &Tokens, former: Option<&RefreshToken>) -> Vec<u8> {
    let refresh = tokens.refresh_token().or(former).map(|token| token.secret().clone());
    let secret = Secret { access: tokens.access_token().secret().clone(), refresh };
    serde_json::to_vec(&secret).unwrap_or_default()
}

/// An error with its causes, for the log. Answers of the provider are left out, since they may hold tokens.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
