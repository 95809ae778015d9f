//! Columns of a table (`DynamicTable`): scalar or ragged, numbers, truth values or texts.
//!
//! A ragged column `X` comes with `X_index`, the cumulative end of each row's piece; its width in bytes depends
//! on the writer. The order of columns is the attribute `colnames`.

use std::collections::HashSet;

use hdf5::{Group, ObjectReference, ReferencedObject};

use super::element::{Element, attribute_text, attribute_texts, element, member_names, n_items, references};
use super::storage::Storage;
use crate::error::Result;
use crate::recording::{Column, ColumnValues};

/// Names of the columns, in the order of the file.
pub(super) fn column_names(group: &Group) -> Vec<String> {
    let Some(mut names) = attribute_texts(group, "colnames") else {
        let mut names = member_names(group);
        names.retain(|name| name != "id" && !name.ends_with("_index"));
        names.sort();
        return names;
    };
    // a name that is said again is the same column
    let mut said = HashSet::new();
    names.retain(|name| said.insert(name.clone()));
    names
}

/// Cumulative ends of a ragged column: `n_rows` of them, not decreasing, none beyond `n_items`.
pub(super) fn read_index(
    storage: &Storage,
    group: &Group,
    base: &str,
    name: &str,
    n_rows: Option<usize>,
    n_items: usize,
) -> Result<Vec<usize>> {
    let object = format!("{base}/{name}");
    let set = storage.dataset(group, base, name)?;
    let ends = storage.numbers::<i64>(&set, &object)?;
    if let Some(n_rows) = n_rows.filter(|&n_rows| n_rows != ends.len()) {
        return Err(storage.error(
            &object,
            format!("expected {n_rows} entries (one per row), found {}", ends.len()),
            "write the table again; its columns differ in length",
        ));
    }
    let mut before = 0;
    for (row, &end) in ends.iter().enumerate() {
        if end < before {
            return Err(storage.error(
                &object,
                format!("expected ends that do not decrease, found {end} at row {row} after {before}"),
                "the index is damaged; write the table again",
            ));
        }
        if end > n_items as i64 {
            return Err(storage.error(
                &object,
                format!("expected ends up to {n_items} (the length of the data), found {end} at row {row}"),
                "the index is damaged or the data are cut; write the table again",
            ));
        }
        before = end;
    }
    Ok(ends.into_iter().map(|end| end as usize).collect())
}

/// Cuts a flat list at cumulative ends.
pub(super) fn cut<T: Clone>(flat: &[T], ends: &[usize]) -> Vec<Vec<T>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| flat[start..end].to_vec()).collect()
}

/// One column with a value per row.
pub(super) fn read_column(
    storage: &Storage,
    group: &Group,
    base: &str,
    name: &str,
    n_rows: usize,
) -> Result<Column> {
    let object = format!("{base}/{name}");
    let set = storage.dataset(group, base, name)?;
    let description = attribute_text(&set, "description").unwrap_or_default();
    let column = |values| Ok(Column { name: name.to_string(), description: description.clone(), values });
    if set.ndim() != 1 {
        return column(ColumnValues::Unread(format!("an array of {} dimensions", set.ndim())));
    }
    if group.link_exists(&format!("{name}_index_index")) {
        return column(ColumnValues::Unread("lists of lists".into()));
    }
    let kind = element(&set);
    if group.link_exists(&format!("{name}_index")) {
        let ends = read_index(storage, group, base, &format!("{name}_index"), Some(n_rows), set.size())?;
        return column(match kind {
            Element::Text => ColumnValues::TextList(cut(&storage.texts(&set, &object)?, &ends)),
            Element::Number | Element::Truth => {
                ColumnValues::NumberList(cut(&storage.numbers::<f64>(&set, &object)?, &ends))
            }
            Element::Reference => ColumnValues::Unread("lists of references".into()),
            Element::Other(what) => ColumnValues::Unread(format!("lists of {what}")),
        });
    }
    if set.size() != n_rows {
        return Err(storage.error(
            &object,
            format!("expected {n_rows} entries (one per row), found {}", set.size()),
            "write the table again; its columns differ in length",
        ));
    }
    column(match kind {
        Element::Text => ColumnValues::Text(storage.texts(&set, &object)?),
        Element::Number => ColumnValues::Number(storage.numbers::<f64>(&set, &object)?),
        Element::Truth => {
            let bytes = storage.numbers::<u8>(&set, &object)?;
            ColumnValues::Truth(bytes.into_iter().map(|byte| byte != 0).collect())
        }
        Element::Reference => ColumnValues::Unread("references".into()),
        Element::Other(what) => ColumnValues::Unread(what),
    })
}

/// The rows of another table that the dataset `name` points to, and that table.
pub(super) fn region(
    storage: &Storage,
    group: &Group,
    base: &str,
    name: &str,
) -> Option<(Vec<usize>, Group)> {
    let object = format!("{base}/{name}");
    let set = storage.dataset(group, base, name).ok()?;
    let rows = storage.numbers::<i64>(&set, &object).ok()?;
    let target = references(&*set.attr("table").ok()?, 1)?;
    let ReferencedObject::Group(table) = target.first()?.dereference(&storage.file).ok()? else {
        return None;
    };
    let rows: Option<Vec<usize>> = rows.into_iter().map(|row| usize::try_from(row).ok()).collect();
    Some((rows?, table))
}

/// Identifiers of the rows that a region points to; empty where they cannot be told.
pub(super) fn region_ids(storage: &Storage, group: &Group, base: &str, name: &str) -> Vec<i64> {
    let find = || {
        let (rows, table) = region(storage, group, base, name)?;
        let set = table.dataset("id").ok()?;
        let ids = storage.numbers::<i64>(&set, &format!("{base}/{name}")).ok()?;
        rows.into_iter().map(|row| ids.get(row).copied()).collect::<Option<Vec<i64>>>()
    };
    find().unwrap_or_default()
}

/// The groups that a column of object references points to, one per row; none where one cannot be followed.
pub(super) fn referenced_groups(
    storage: &Storage,
    group: &Group,
    base: &str,
    name: &str,
) -> Option<Vec<Group>> {
    let set = storage.dataset(group, base, name).ok()?;
    storage.check_readable(&set, &format!("{base}/{name}"), n_items(&set), size_of::<u64>()).ok()?;
    references(&set, n_items(&set))?
        .iter()
        .map(|reference| match reference.dereference(&storage.file) {
            Ok(ReferencedObject::Group(group)) => Some(group),
            _ => None,
        })
        .collect()
}
