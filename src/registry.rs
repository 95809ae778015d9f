//! The one macro: a family of members as a menu enum.
//!
//! Every member of a family (a basis, say) is one file with one type. The macro joins them to an enum that can
//! be stored in a model file, matched and listed, so that a new member is its file, its `mod` line and one line
//! in the list. Each variant has one name for people: the command line reads it, the model file stores it and
//! error messages list it. `mod` lines stay outside the macro, because rustfmt skips files declared inside one.

/// Makes the menu enum of a family from lines `Variant = "name"`, where `Variant` is also the member's type.
///
/// The enum gets `NAMES` (every name, in the order of the list), `name()`, `From<Member>`, and serde traits that
/// store a member as `{"name": {parameters}}`. The last lines of the macro hand out the member as the family's
/// verb trait, so that the menu is matched once per call and never per element.
macro_rules! family {
    (
        $(#[$about:meta])*
        pub enum $Menu:ident as $Verb:ident {
            $( $(#[$member:meta])* $Variant:ident = $name:literal, )+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $Menu {
            $( $(#[$member])* #[serde(rename = $name)] $Variant($Variant), )+
        }

        impl $Menu {
            /// The names of all members, in the order of the registry.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name of this member.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$Variant(_) => $name, )+ }
            }

            /// What this member does.
            pub fn member(&self) -> &dyn $Verb {
                match self { $( Self::$Variant(member) => member, )+ }
            }

            /// The member called `name`, made from values in the order of its parameters; `None` if no member
            /// has that name.
            pub fn by_name(name: &str, values: &[Value]) -> Option<$crate::Result<Self>> {
                match name {
                    $( $name => Some($Variant::from_values(values).map(Self::$Variant)), )+
                    _ => None,
                }
            }

            /// The parameters that the member called `name` takes; `None` if no member has that name.
            pub fn parameters_of(name: &str) -> Option<&'static [Parameter]> {
                match name {
                    $( $name => Some($Variant::PARAMETERS), )+
                    _ => None,
                }
            }

            /// The parameters of this member with their values, in order.
            pub fn parameters(&self) -> Vec<(&'static Parameter, Value)> {
                match self {
                    $( Self::$Variant(member) => {
                        $Variant::PARAMETERS.iter().zip(member.values()).collect()
                    } )+
                }
            }
        }

        $(
            impl From<$Variant> for $Menu {
                fn from(member: $Variant) -> Self {
                    Self::$Variant(member)
                }
            }
        )+
    };
}

pub(crate) use family;
