//! A CloudWatch alarm for a function that is no longer started, as `aws cloudwatch put-metric-alarm` takes it.
//!
//! It is written and never made: the alarm is its owner's.

use keyminder_keyage::arn::Arn;
use keyminder_keyage::schedule::Schedule;
use serde_json::{Value, json};

use crate::error::{Cause, Error};
use crate::installation::Installation;

const HOUR: i64 = 3600;
/// The furthest that an alarm with periods of an hour looks back (CloudWatch API reference, PutMetricAlarm).
const FURTHEST_HOURS: i64 = 7 * 24;

/// The alarm: nothing started the function within two periods of this schedule, or within seven days where two periods
/// are longer. It tells `topic`, which is not the install's own: that one lets in nobody but the account's principals,
/// and CloudWatch is none.
///
/// # Errors
/// `BadTopic` where that is no topic in this region; `BadSchedule` where no seven days go by without a run being missed.
pub fn alarm(installation: &Installation, schedule: &str, topic: &str) -> Result<Value, Error> {
    let names = &installation.names;
    let is_here = |arn: Arn<'_>| (arn.partition, arn.service, arn.region) == (&names.partition, "sns", &names.region);
    if !Arn::parse(topic).is_some_and(is_here) {
        return Err(Error::usage("BadTopic", format!("'{topic}' is not the ARN of an SNS topic in {}", names.region)));
    }
    if topic == names.topic_arn() {
        let message = "CloudWatch is not allowed to publish to keyminder's own topic";
        return Err(Error::usage("BadTopic", message).because(Cause::AlarmOnOwnTopic));
    }
    let parsed = Schedule::parse(schedule).map_err(|error| Error::usage("BadSchedule", error.to_string()))?;
    let period = parsed.period().as_secs();
    if period >= (FURTHEST_HOURS - 1) * HOUR {
        return Err(Error::usage(
            "BadSchedule",
            format!("a CloudWatch alarm looks back at most seven days, and {schedule} runs less often than that"),
        )
        .because(Cause::AlarmTooRare));
    }
    let hours = (period * 2).div_euclid(HOUR) + i64::from(period * 2 % HOUR > 0);
    let hours = hours.clamp(1, FURTHEST_HOURS);
    Ok(json!({
        "AlarmName": format!("keyminder-{}-has-not-run", names.install),
        "AlarmDescription": format!(
            "The check for old IAM access keys in account {} has not been started for {hours} hours (schedule {}). Old \
             keys go unreported. 'keyminder status' says what is wrong, 'keyminder setup' puts it right.",
            names.account, schedule
        ),
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": [{ "Name": "FunctionName", "Value": names.function }],
        "Statistic": "Sum",
        "Period": HOUR,
        "EvaluationPeriods": hours,
        "DatapointsToAlarm": hours,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "AlarmActions": [topic],
    }))
}
