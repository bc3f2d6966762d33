//! Names, fields and indexes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, SelectExpr, operators};
use serde_json::Value;

use super::{Analyser, Check, Checked, Info, Origin, Root};
use crate::expression::error::ExpressionError;
use crate::expression::program::{Access, Node};
use crate::expression::types::Type;

/// What a pod has that an expression may read.
const POD_FIELDS: &[&str] = &["spec", "metadata", "kind", "apiVersion"];
/// What a namespace object has.
const NAMESPACE_FIELDS: &[&str] = &["name", "labels", "annotations"];

impl Analyser<'_> {
    pub(super) fn name(&mut self, expr: &IdedExpr, name: &str) -> Check {
        let found = self.locals.iter().rev().enumerate();
        if let Some((distance, local)) = { found }.find(|(_, local)| local.name == name) {
            return Ok(Checked {
                node: Node::Local(distance),
                info: local.info.clone(),
            });
        }
        if !self.scope.roots().contains(&name) {
            return Err(self.unknown_name(expr, name));
        }
        let root = match name {
            "pod" => Root::Pod,
            "apps" => Root::Apps,
            "app" => Root::App,
            "self" => Root::Own,
            "namespaceObject" => Root::Namespace,
            "object" => Root::Object,
            "oldObject" => Root::OldObject,
            "request" => Root::Request,
            _ => {
                let example = if name == "kubernetes" {
                    "minor"
                } else {
                    "<name>"
                };
                return Err(self
                    .error(expr, format!("`{name}` cannot be used as a whole"))
                    .hint(format!("write `{name}.{example}`")));
            }
        };
        let each = root == Root::Apps;
        let ty = if each {
            Type::list(Type::Any)
        } else {
            Type::Any
        };
        let mut checked = Checked::new(Node::Root(root), ty);
        checked.info.origin = Some(Origin {
            root,
            path: Vec::new(),
            each,
        });
        Ok(checked)
    }

    fn unknown_name(&self, expr: &IdedExpr, name: &str) -> ExpressionError {
        let error = self.error(expr, format!("`{name}` is not a name that is known here"));
        if name == "self" {
            return error.hint("`self` exists only inside `app:`");
        }
        if self.scope.parameters.contains_key(name) {
            return error.hint(format!("did you mean `params.{name}`?"));
        }
        if self.scope.variables.contains_key(name) {
            return error.hint(format!("did you mean `variables.{name}`?"));
        }
        let locals = self.locals.iter().map(|local| local.name.as_str());
        let names = locals.filter(|name| !name.starts_with('@'));
        error.nearest(name, names.chain(self.scope.roots().iter().copied()), "")
    }

    /// `a.field`, or `has(a.field)`.
    pub(super) fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Check {
        if let Some(root) = self.declaring_root(&select.operand) {
            if select.test {
                let name = format!("{root}.{}", select.field);
                return Err(self
                    .error(expr, format!("`has({name})` is always true"))
                    .hint("parameters and variables always have a value"));
            }
            return self.declared(expr, root, &select.field);
        }
        let operand = self.open(&select.operand)?;
        let mut info = self.field(expr, operand.info, &select.field)?;
        let (of, name) = (Box::new(operand.node), select.field.clone());
        if select.test {
            self.settle(expr, &mut info)?;
            return Ok(Checked::new(Node::Has(of, name), Type::Boolean));
        }
        Ok(Checked {
            node: Node::Field(of, name, Access::Required),
            info,
        })
    }

    /// The root, if it is one whose names are declared: `params`, `variables`, `kubernetes`.
    pub(super) fn declaring_root(&self, expr: &IdedExpr) -> Option<&'static str> {
        let Expr::Ident(name) = &expr.expr else {
            return None;
        };
        if self.is_local(name) || !self.scope.roots().contains(&name.as_str()) {
            return None;
        }
        ["params", "variables", "kubernetes"]
            .into_iter()
            .find(|root| root == name)
    }

    /// Whether a name is a variable of a loop or binding.
    pub(super) fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|local| local.name == name)
    }

    /// `params.x`, `variables.x` or `kubernetes.minor`.
    fn declared(&mut self, expr: &IdedExpr, root: &'static str, name: &str) -> Check {
        let written = name.to_owned();
        let declared = match root {
            "params" => {
                let declared = self.scope.parameters.get(name);
                declared.map(|ty| (Node::Parameter(written), ty.clone()))
            }
            "variables" => {
                let declared = self.scope.variables.get(name);
                declared.map(|(index, ty)| (Node::Variable(*index, written), ty.clone()))
            }
            _ => (name == "minor").then_some((Node::KubernetesMinor, Type::Integer)),
        };
        let Some((node, ty)) = declared else {
            return Err(self.undeclared(expr, root, name));
        };
        match root {
            "params" => drop(self.reads.parameters.insert(name.to_owned())),
            "variables" => drop(self.reads.variables.insert(name.to_owned())),
            _ => self.reads.kubernetes = true,
        }
        Ok(Checked::new(node, ty))
    }

    fn undeclared(&self, expr: &IdedExpr, root: &str, name: &str) -> ExpressionError {
        let (what, names): (_, Vec<&str>) = match root {
            "params" => (
                "parameter",
                self.scope.parameters.keys().map(String::as_str).collect(),
            ),
            "variables" => (
                "variable",
                self.scope.variables.keys().map(String::as_str).collect(),
            ),
            _ => ("field of `kubernetes`", vec!["minor"]),
        };
        self.error(expr, format!("there is no {what} `{name}`"))
            .nearest(name, names, &format!("{root}."))
    }

    /// A field of a value.
    fn field(&self, at: &IdedExpr, of: Info, field: &str) -> Result<Info, ExpressionError> {
        let Info { ty, origin } = of;
        if let Some(mut origin) = origin.filter(|origin| !origin.each) {
            origin.path.push(field.to_owned());
            self.check_known(at, &origin)?;
            let ty = match ty {
                Type::Optional(_) => Type::optional(Type::Any),
                _ => Type::Any,
            };
            return Ok(Info {
                ty,
                origin: Some(origin),
            });
        }
        let (inner, is_optional) = match &ty {
            Type::Optional(inner) => (&**inner, true),
            other => (other, false),
        };
        let ty = match inner {
            Type::Any => Type::Any,
            Type::Map(value) => (**value).clone(),
            other => return Err(self.error(at, format!("{other} has no field `{field}`"))),
        };
        Ok(Info::new(if is_optional { Type::optional(ty) } else { ty }))
    }

    /// Refuses a first field that the root does not have.
    fn check_known(&self, at: &IdedExpr, origin: &Origin) -> Result<(), ExpressionError> {
        let path: Vec<&str> = origin.path.iter().map(String::as_str).collect();
        let (name, known, prefix) = match (origin.root, path.as_slice()) {
            (Root::Pod, [first]) => (*first, POD_FIELDS, "pod."),
            (Root::Namespace, [first]) => (*first, &["metadata"][..], "namespaceObject."),
            (Root::Namespace, ["metadata", second]) => {
                (*second, NAMESPACE_FIELDS, "namespaceObject.metadata.")
            }
            _ => return Ok(()),
        };
        if known.contains(&name) {
            return Ok(());
        }
        let message = format!("`{prefix}{name}` cannot be read here");
        let error = self
            .error(at, message)
            .nearest(name, known.iter().copied(), prefix);
        Err(match error.hint {
            Some(_) => error,
            None => error.hint(format!("`{prefix}` has {}", known.join(", "))),
        })
    }

    /// Refuses a value that would read too much of a root.
    pub(super) fn check_path(&self, at: &IdedExpr, origin: &Origin) -> Result<(), ExpressionError> {
        let path: Vec<&str> = origin.path.iter().map(String::as_str).collect();
        let example = match (origin.root, path.as_slice()) {
            (Root::Pod, [] | ["spec"]) => "pod.spec.hostNetwork",
            (Root::Pod, ["metadata"]) => "pod.metadata.labels",
            (Root::Namespace, [] | ["metadata"]) => "namespaceObject.metadata.labels",
            _ => return Ok(()),
        };
        let mut read = vec![origin.root.name()];
        read.extend(path);
        let message = format!("`{}` cannot be read as a whole", read.join("."));
        Err(self.error(at, message).hint(format!(
            "name the field that is needed, such as `{example}`"
        )))
    }

    /// `a[i]`, `a[?i]` and `a.?field`.
    pub(super) fn index(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let [operand, index] = call.args.as_slice() else {
            return Err(self.error(expr, "an index needs one value"));
        };
        if let Some(root) = self.declaring_root(operand) {
            return Err(self
                .error(expr, format!("`{root}` can only be read by name"))
                .hint(format!("write `{root}.<name>`")));
        }
        let mut of = self.open(operand)?;
        let chained = matches!(of.info.ty, Type::Optional(_));
        let position = self.value(index)?;
        let is_optional = call.func_name != operators::INDEX;
        let field = match &position.node {
            Node::Constant(Value::String(field)) => Some(field),
            _ => None,
        };
        let mut info = match (field, of.info.origin.take()) {
            (Some(field), Some(origin))
                if !origin.each
                    && (call.func_name == operators::OPT_SELECT || origin.path.len() < 2) =>
            {
                of.info.origin = Some(origin);
                self.field(expr, of.info, field)?
            }
            (_, Some(origin)) if origin.each => {
                self.expect_index(index, &of.info.ty, &position.info.ty)?;
                Info {
                    ty: Type::Any,
                    origin: Some(Origin {
                        each: false,
                        ..origin
                    }),
                }
            }
            (_, origin) => {
                of.info.origin = origin;
                self.settle(operand, &mut of.info)?;
                Info::new(self.expect_index(index, &of.info.ty, &position.info.ty)?)
            }
        };
        if (is_optional || chained) && !matches!(info.ty, Type::Optional(_)) {
            info.ty = Type::optional(info.ty);
        }
        let access = if is_optional {
            Access::Optional
        } else {
            Access::Required
        };
        let node = match position.node {
            Node::Constant(Value::String(field)) => Node::Field(Box::new(of.node), field, access),
            by => Node::Index(Box::new([of.node, by]), access),
        };
        Ok(Checked { node, info })
    }

    /// The type of an element, where the index fits.
    fn expect_index(&self, at: &IdedExpr, of: &Type, by: &Type) -> Result<Type, ExpressionError> {
        let inner = match of {
            Type::Optional(inner) => inner,
            other => other,
        };
        let (element, wanted) = match inner {
            Type::Any => return Ok(Type::Any),
            Type::List(item) => (item, Type::Integer),
            Type::Map(value) => (value, Type::Text),
            other => return Err(self.error(at, format!("{other} cannot be indexed"))),
        };
        if by.fits(&wanted) {
            return Ok((**element).clone());
        }
        Err(self.error(at, format!("a {inner} is indexed by {wanted}, not by {by}")))
    }
}
