//! One call, made with care: a token is taken first, what AWS refuses becomes words of ours, and whoever is sent away holds
//! the others back too.

use std::error::Error;
use std::sync::Arc;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use entente_sidecar::account::{Budget, Key, Trouble};
use entente_sidecar::poll::Failure;

use super::api::Api;
use super::client::Clients;
use super::trouble::{meant, permission};

/// Makes calls. Clones share everything.
#[derive(Clone)]
pub(crate) struct Caller {
    clients: Arc<Clients>,
    budget: Budget,
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denied {
    /// Its kind.
    pub(crate) trouble: Trouble,
    /// What is told of it.
    pub(crate) failure: Box<Failure>,
    /// AWS's own word.
    pub(crate) word: String,
    /// AWS's own message. It may name machines and accounts, so it is told to nobody.
    pub(crate) message: String,
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        *denied.failure
    }
}

impl Caller {
    /// Whoever calls through these clients within these rates.
    pub(crate) fn new(clients: Arc<Clients>, budget: Budget) -> Self {
        Self { clients, budget }
    }

    /// The clients.
    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Waits for a token, makes a call, and says what its refusal means.
    pub(crate) async fn call<T, E>(
        &self,
        api: Api,
        region: &str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, Denied>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let key = Key::new("", region, api.name);
        self.budget.take(&key).await;
        let error = match call.await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let skew = self.clients.skew();
        let refused = meant(&error, skew);
        let needed = permission(&refused.word, api.permission);
        let failure = refused.trouble.failure(api.name, needed, &refused.word);
        if matches!(refused.trouble, Trouble::Expired | Trouble::Unauthenticated) {
            self.clients.renew().await;
        }
        if let Some(after) = failure.retry_after {
            self.budget.hold(&key, after);
        }
        let service = error.as_service_error();
        let message = service.and_then(|error| error.message()).unwrap_or_default().to_owned();
        Err(Denied { failure: Box::new(skew.explain(failure)), trouble: refused.trouble, word: refused.word, message })
    }
}

/// Pages of one list, at most; a list that is longer is not taken whole.
const PAGES_MAX: usize = 5_000;

/// A walk through the pages of a list.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    steps: usize,
    token: Option<String>,
    last: Option<String>,
    over: bool,
}

impl Walk {
    /// The token of the next page: none for the first. Nothing once the list is at its end.
    ///
    /// # Errors
    /// If the pages lead nowhere: a token comes again, or there are too many.
    pub(crate) fn step(&mut self) -> Result<Option<Option<String>>, Denied> {
        if self.over {
            return Ok(None);
        }
        let again = self.token.is_some() && self.token == self.last;
        if again || self.steps >= PAGES_MAX {
            return Err(Denied::endless());
        }
        self.steps += 1;
        self.last = self.token.clone();
        Ok(Some(self.token.clone()))
    }

    /// Takes note of what a page says of the next one.
    pub(crate) fn next(&mut self, token: Option<String>) {
        self.token = token.filter(|token| !token.is_empty());
        self.over = self.token.is_none();
    }
}

/// All pages of a list. `page` asks for the one that a token names.
///
/// # Errors
/// If a page is denied, or the pages lead nowhere.
pub(crate) async fn pages<T, F>(mut page: impl FnMut(Option<String>) -> F) -> Result<Vec<T>, Denied>
where
    F: Future<Output = Result<(Vec<T>, Option<String>), Denied>>,
{
    let (mut all, mut walk) = (Vec::new(), Walk::default());
    while let Some(token) = walk.step()? {
        let (items, next) = page(token).await?;
        all.extend(items);
        walk.next(next);
    }
    Ok(all)
}

impl Denied {
    fn endless() -> Self {
        let failure = Failure::new("unreadable", "a list of AWS has pages without an end; it is asked again");
        Self { trouble: Trouble::Unreadable, failure: Box::new(failure), word: String::new(), message: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_that_lead_nowhere_are_left() {
        let all = pages(|token: Option<String>| async move {
            Ok(match token.as_deref() {
                None => (vec![1, 2], Some("b".to_owned())),
                Some("b") => (Vec::new(), Some("c".to_owned())),
                _ => (vec![3], Some(String::new())),
            })
        });
        assert_eq!(all.await.unwrap(), [1, 2, 3]);
        let endless = pages(|_| async { Ok((vec![1], Some("again".to_owned()))) });
        assert_eq!(endless.await.unwrap_err().trouble, Trouble::Unreadable);
    }
}
