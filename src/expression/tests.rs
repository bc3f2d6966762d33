//! Expressions from text to result.

mod hostile;
mod refusals;
mod sharing;
mod values;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;

/// Data for tests, which counts how often each root is asked for.
struct Data {
    parameters: BTreeMap<String, Value>,
    pod: Value,
    apps: Value,
    namespace: Value,
    asked: AtomicUsize,
}

impl Data {
    fn answer<'v>(&self, value: &'v Value) -> &'v Value {
        self.asked.fetch_add(1, Ordering::Relaxed);
        value
    }
}

impl Source for Data {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }
    fn pod(&self, _: &Paths) -> &Value {
        self.answer(&self.pod)
    }
    fn apps(&self, _: &Paths) -> &Value {
        self.answer(&self.apps)
    }
    fn app(&self, _: &Paths) -> &Value {
        self.answer(&self.apps[0])
    }
    fn own(&self, _: &Paths) -> &Value {
        self.answer(&self.apps[1])
    }
    fn namespace(&self, _: &Paths) -> &Value {
        &self.namespace
    }
    fn kubernetes_minor(&self) -> u32 {
        37
    }
}

fn data() -> Data {
    let parameters = json!({
        "host": "db.example", "port": 5432, "ratio": 0.5, "verbose": true,
        "pool_mode": "transaction", "databases": ["orders", "users"],
        "secret": {"z": "last", "a": "first", "m": "middle"},
        "quoted": "it's \"quoted\"\n${x} $(HOME) ' + evil() + '",
        "memory": "1Gi",
    });
    Data {
        parameters: parameters
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .collect(),
        pod: json!({
            "metadata": {"labels": {"app": "shop", "tier": "web"}, "annotations": {"x/y": "1"}},
            "spec": {"restartPolicy": "Always", "priority": 0, "terminationGracePeriodSeconds": 30,
                     "volumes": [{"name": "v"}, {"name": "w", "emptyDir": {}}]},
        }),
        apps: json!([
            {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}],
             "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]},
            {"name": "metrics", "image": "metrics:1"},
        ]),
        namespace: json!({"metadata": {"name": "shop", "labels": {"team": "blue"}}}),
        asked: AtomicUsize::new(0),
    }
}

fn scope() -> Scope {
    Scope::new()
        .parameter("host", Type::Text)
        .parameter("port", Type::Integer)
        .parameter("ratio", Type::Number)
        .parameter("verbose", Type::Boolean)
        .parameter("pool_mode", Type::Text)
        .parameter("databases", Type::list(Type::Text))
        .parameter("secret", Type::map(Type::Text))
        .parameter("quoted", Type::Text)
        .parameter("memory", Type::Text)
        .with_self()
}

fn compile(source: &str) -> Result<Expression, ExpressionError> {
    Expression::compile(source, &scope())
}

fn compiled(source: &str) -> Expression {
    compile(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn try_evaluate(source: &str) -> Result<Option<Value>, EvaluationError> {
    let expression = compiled(source);
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, expression.reads(), &[], &budget);
    expression.evaluate(&bindings)
}

fn evaluate(source: &str) -> Value {
    try_evaluate(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .unwrap_or(Value::Null)
}

fn refusal(source: &str) -> String {
    match compile(source) {
        Ok(_) => panic!("{source} was not refused"),
        Err(error) => error.to_string(),
    }
}
