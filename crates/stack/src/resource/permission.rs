//! `lambda_permission`: the rule may invoke the function, and which other statements the function's policy has.
//!
//! Asks Lambda: GetPolicy; AddPermission; for drift RemovePermission and AddPermission, as there is no update.

use keyminder_reconcile::{Address, Existing, Extra, Observed, Removal, Resource};
use serde::Serialize;
use serde_json::Value;

use super::{Shared, found, function, ignore_missing, log_group};
use crate::access;
use crate::actions::{Actions, On};
use crate::document;
use crate::error::{Error, Kind, failed};
use crate::extras::STATEMENT;
use crate::installation::{Installation, PROPAGATION};
use crate::names::STATEMENT_ID;

pub(crate) const ADDRESS: Address = Address("lambda_permission");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    effect: String,
    principal: Value,
    action: Value,
    source_arn: Option<String>,
    other_conditions: Option<Value>,
}

impl State {
    /// The rule, and nothing else, is allowed to invoke the function.
    pub(crate) fn desired(install: &Installation) -> Self {
        Self {
            effect: "Allow".to_owned(),
            principal: "events.amazonaws.com".into(),
            action: "lambda:InvokeFunction".into(),
            source_arn: Some(install.names.rule_arn()),
            other_conditions: None,
        }
    }
}

pub(crate) struct Permission<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> Permission<'a> {
    pub(crate) const ACTIONS: Actions =
        &[(On::Function, &["lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"])];

    pub(crate) fn new(install: &'a Installation) -> Self {
        Self { install, desired: State::desired(install) }
    }

    fn function(&self) -> &str {
        &self.install.names.function
    }

    /// The statements of the function's policy, by statement id. No policy is answered with "not found".
    async fn statements(&self) -> Result<Vec<(String, Value)>, Error> {
        let lambda = &self.install.clients.lambda;
        let answer = lambda.get_policy().function_name(self.function()).send().await;
        let Some(answer) = found(answer.map_err(failed("lambda:GetPolicy", self.function())))? else {
            return Ok(Vec::new());
        };
        let policy = document::canonical(&document::decode(answer.policy().unwrap_or_default()));
        let statements = policy.get("Statement").and_then(Value::as_array).cloned().unwrap_or_default();
        let id = |statement: &Value| statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(statements.into_iter().map(|statement| (id(&statement), statement)).collect())
    }

    async fn remove_statement(&self, id: &str) -> Result<(), Error> {
        let lambda = &self.install.clients.lambda;
        let answer = lambda.remove_permission().function_name(self.function()).statement_id(id).send().await;
        ignore_missing(answer.map_err(failed("lambda:RemovePermission", self.function())))
    }
}

/// Lambda writes a permission's source ARN as the condition `ArnLike` on `AWS:SourceArn`.
fn state(statement: &Value) -> State {
    let text = |key: &str| statement.get(key).cloned().unwrap_or_default();
    let mut conditions = statement.get("Condition").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut source_arn = None;
    if let Some(Value::Object(keys)) = conditions.get_mut("ArnLike") {
        source_arn = keys.remove("aws:SourceArn").and_then(|arn| arn.as_str().map(str::to_owned));
        if keys.is_empty() {
            conditions.remove("ArnLike");
        }
    }
    let principal = text("Principal");
    State {
        effect: text("Effect").as_str().unwrap_or_default().to_owned(),
        principal: principal.get("Service").cloned().unwrap_or(principal),
        action: text("Action"),
        source_arn,
        other_conditions: (!conditions.is_empty()).then_some(Value::Object(conditions)),
    }
}

impl Resource for Permission<'_> {
    const ADDRESS: Address = ADDRESS;
    const PART_OF: Option<Address> = Some(function::ADDRESS);
    const AFTER: &'static [Address] = &[function::ADDRESS, log_group::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        format!("{STATEMENT_ID} of {}", self.function())
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let (ours, others): (Vec<_>, Vec<_>) =
            self.statements().await?.into_iter().partition(|(id, _)| id == STATEMENT_ID);
        let own = &self.install.names.account;
        let extras = others.iter().flat_map(|(id, statement)| {
            let extras = access::statement(STATEMENT, statement, own).into_iter();
            // Lambda removes a statement by its id.
            extras.map(|extra| Extra { handle: Some(id.clone()).filter(|id| !id.is_empty()), ..extra })
        });
        let beside = self.install.judged(ADDRESS, extras.collect::<Vec<_>>());
        Ok(match ours.first() {
            Some((_, statement)) => Observed::Ours(Existing { state: state(statement), beside }),
            None => Observed::AbsentBeside(beside),
        })
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        self.remove_statement(extra.handle.as_deref().unwrap_or_default()).await
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        match observed {
            Some(observed) if *observed == self.desired => return Ok(()),
            Some(_) => self.remove_statement(STATEMENT_ID).await?,
            None => {}
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // Lambda refuses it while another change of the function is in progress, and may not know a new function yet.
        let not_yet = |error: &Error| error.kind == Kind::Conflict || error.is_not_found();
        self.install
            .wait(ADDRESS, PROPAGATION, not_yet, async || {
                let lambda = &self.install.clients.lambda;
                lambda
                    .add_permission()
                    .function_name(self.function())
                    .statement_id(STATEMENT_ID)
                    .set_action(text(&self.desired.action))
                    .set_principal(text(&self.desired.principal))
                    .set_source_arn(self.desired.source_arn.clone())
                    .send()
                    .await
                    .map_err(failed("lambda:AddPermission", self.function()))?;
                Ok(())
            })
            .await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        // It goes with the function, which is deleted next.
        Ok(())
    }
}
