terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}
variable "endpoint" {}
variable "package" {}
provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  endpoints {
    sns    = var.endpoint
    iam    = var.endpoint
    sts    = var.endpoint
    lambda = var.endpoint
    events = var.endpoint
    logs   = var.endpoint
  }
}
resource "aws_sns_topic" "keys" { name = "keys" }
resource "aws_sns_topic_subscription" "ops" {
  topic_arn = aws_sns_topic.keys.arn
  protocol  = "sms"
  endpoint  = "+15550100123"
}
resource "aws_iam_policy" "check" {
  name   = "check"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sns:Publish"], Resource = aws_sns_topic.keys.arn }] })
}
resource "aws_iam_role" "check" {
  name               = "check"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_iam_role_policy_attachment" "check" {
  role       = aws_iam_role.check.name
  policy_arn = aws_iam_policy.check.arn
}
resource "aws_cloudwatch_log_group" "check" {
  name              = "/aws/lambda/check"
  retention_in_days = 30
}
resource "aws_lambda_function" "check" {
  function_name    = "check"
  role             = aws_iam_role.check.arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  environment { variables = { KEY = "b" } }
  depends_on = [aws_cloudwatch_log_group.check, aws_iam_role_policy_attachment.check]
}
resource "aws_lambda_function_event_invoke_config" "check" {
  function_name          = aws_lambda_function.check.function_name
  maximum_retry_attempts = 0
  destination_config {
    on_failure {
      destination = aws_sns_topic.keys.arn
    }
  }
}
resource "aws_cloudwatch_event_rule" "daily" {
  name                = "daily"
  schedule_expression = "rate(1 day)"
}
resource "aws_lambda_permission" "daily" {
  statement_id  = "Daily"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.check.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.daily.arn
}
resource "aws_cloudwatch_event_target" "check" {
  rule      = aws_cloudwatch_event_rule.daily.name
  target_id = "1"
  arn       = aws_lambda_function.check.arn
}
