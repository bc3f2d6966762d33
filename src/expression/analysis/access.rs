//! Names, fields and indexes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};

use super::{Analyser, Check, Checked, Info, Origin, Root, ident, made};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::error::ExpressionError;
use crate::expression::scope::Declared;
use crate::expression::types::Type;

/// What a pod has that an expression may read.
const POD_FIELDS: &[&str] = &["spec", "metadata", "kind", "apiVersion"];
/// What a namespace object has.
const NAMESPACE_FIELDS: &[&str] = &["name", "labels", "annotations"];

impl Analyser<'_> {
    /// A name by itself.
    pub(super) fn name(&mut self, expr: &IdedExpr, name: &str) -> Check {
        if let Some(local) = self.local(name) {
            let mut info = local.info.clone();
            info.cost = 1;
            return Ok(Checked {
                tree: expr.clone(),
                info,
            });
        }
        let roots = self.scope.roots();
        if !roots.contains(&name) {
            let names = self.locals.iter().map(|local| local.name.as_str());
            let error = self.error(expr, format!("`{name}` is not a name that is known here"));
            if name == "self" {
                return Err(error.hint("`self` exists only inside `app:`"));
            }
            if self.scope.parameters.contains_key(name) {
                return Err(error.hint(format!("did you mean `params.{name}`?")));
            }
            if self.scope.variables.contains_key(name) {
                return Err(error.hint(format!("did you mean `variables.{name}`?")));
            }
            let names: Vec<&str> = names.filter(|name| !name.starts_with('@')).collect();
            return Err(error.nearest(name, names.into_iter().chain(roots.iter().copied()), ""));
        }
        let (root, each) = match name {
            "pod" => (Root::Pod, false),
            "apps" => (Root::Apps, true),
            "app" => (Root::App, false),
            "self" => (Root::Own, false),
            "namespaceObject" => (Root::Namespace, false),
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
        let mut info = Info::new(
            if each {
                Type::list(Type::Any)
            } else {
                Type::Any
            },
            0,
        );
        info.items = each.then_some(UNDECLARED_MAX_ITEMS);
        info.origin = Some(Origin {
            root,
            path: Vec::new(),
            each,
        });
        Ok(Checked {
            tree: expr.clone(),
            info,
        })
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
        if select.test {
            self.settle(expr, &mut info)?;
            info.ty = Type::Boolean;
            info.items = None;
        }
        let tree = IdedExpr {
            id: expr.id,
            expr: Expr::Select(SelectExpr {
                operand: Box::new(operand.tree),
                field: select.field.clone(),
                test: select.test,
            }),
        };
        Ok(Checked { tree, info })
    }

    /// The root, if it is one whose names are declared: `params`, `variables`, `kubernetes`.
    pub(super) fn declaring_root(&self, expr: &IdedExpr) -> Option<&'static str> {
        let Expr::Ident(name) = &expr.expr else {
            return None;
        };
        if self.local(name).is_some() || !self.scope.roots().contains(&name.as_str()) {
            return None;
        }
        ["params", "variables", "kubernetes"]
            .into_iter()
            .find(|root| root == name)
    }

    /// `params.x`, `variables.x` or `kubernetes.minor`: one name from here on.
    fn declared(&mut self, expr: &IdedExpr, root: &'static str, name: &str) -> Check {
        let declared = match root {
            "params" => self.scope.parameters.get(name).cloned(),
            "variables" => self.scope.variables.get(name).cloned(),
            _ => (name == "minor").then_some(Declared {
                ty: Type::Integer,
                max_items: None,
            }),
        };
        let Some(Declared { ty, max_items }) = declared else {
            return Err(self.undeclared(expr, root, name));
        };
        match root {
            "params" => drop(self.reads.parameters.insert(name.to_owned())),
            "variables" => drop(self.reads.variables.insert(name.to_owned())),
            _ => self.reads.kubernetes = true,
        }
        Ok(Checked {
            tree: ident(expr.id, format!("{root}.{name}")),
            info: Info::new(ty, 0).with_items(max_items),
        })
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
        let Info {
            ty, cost, origin, ..
        } = of;
        if let Some(mut origin) = origin.filter(|origin| !origin.each) {
            let optional = matches!(ty, Type::Optional(_));
            origin.path.push(field.to_owned());
            self.check_known(at, &origin)?;
            let mut info = Info::new(
                if optional {
                    Type::optional(Type::Any)
                } else {
                    Type::Any
                },
                cost,
            );
            info.origin = Some(origin);
            return Ok(info);
        }
        match &ty {
            Type::Any => Ok(Info::new(Type::Any, cost)),
            Type::Map(value) => Ok(Info::new((**value).clone(), cost)),
            Type::Optional(inner) => match &**inner {
                Type::Any => Ok(Info::new(Type::optional(Type::Any), cost)),
                Type::Map(value) => Ok(Info::new(Type::optional((**value).clone()), cost)),
                other => Err(self.error(at, format!("{other} has no field `{field}`"))),
            },
            other => Err(self.error(at, format!("{other} has no field `{field}`"))),
        }
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
        let optional = call.func_name != operators::INDEX || chained;
        let mut info = match (&position.tree.expr, of.info.origin.take()) {
            (Expr::Literal(LiteralValue::String(field)), Some(origin))
                if !origin.each
                    && (call.func_name == operators::OPT_SELECT || origin.path.len() < 2) =>
            {
                of.info.origin = Some(origin);
                self.field(expr, of.info, field.inner())?
            }
            (_, Some(origin)) if origin.each => {
                self.expect_index(index, &of.info.ty, &position.info.ty)?;
                let mut info = Info::new(Type::Any, of.info.cost);
                info.origin = Some(Origin {
                    each: false,
                    ..origin
                });
                info
            }
            (_, origin) => {
                of.info.origin = origin;
                self.settle(operand, &mut of.info)?;
                let ty = self.expect_index(index, &of.info.ty, &position.info.ty)?;
                Info::new(ty, of.info.cost)
            }
        };
        info.cost = info.cost.saturating_add(position.info.cost);
        if optional && !matches!(info.ty, Type::Optional(_)) {
            info.ty = Type::optional(info.ty);
        }
        let tree = super::call(expr.id, &call.func_name, vec![of.tree, position.tree]);
        let checked = Checked { tree, info };
        // An optional holds a copy; a plain index only points.
        Ok(if optional { made(checked) } else { checked })
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
