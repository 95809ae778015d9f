//! `rheobase check` with a model of classes.

use super::super::check::{
    Checked, Outcome, OwnColumns, PartRows, Plain, Run, as_fitted, compare_condition, refuse_foreign,
    wants_hessian,
};
use super::super::data::Data;
use super::super::progress::Total;
use super::applied::{labelled_data, of_classes as of_classes_choice};
use super::labels::Labels;
use super::scored::of_classes;
use crate::check::{ClassProblem, Moments, Rows, Stored, Verdict, certify_classes};
use crate::glm::GapFrom;
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::write::categorical::CategoricalFile;
use crate::{Error, Result};

/// Checks every target of a model file.
pub(in super::super) fn check(run: &Run) -> Result<Outcome> {
    let model = CategoricalFile::load(&run.args.model)?;
    refuse_foreign(&model.study, &run.args.model)?;
    let names: Vec<String> = model.fit.targets.iter().map(|target| target.name.clone()).collect();
    let choice = as_fitted(&of_classes_choice(&run.args.data), &model.study, &names);
    let (data, labels) = labelled_data(&model, &choice, run.limit_bytes, run.progress)?;
    let plain = Plain::read(&model.study, &choice, run)?;
    run.progress.stage("computing again", Some(Total::Items(data.names.len() as u64)));
    let mut targets = Vec::with_capacity(data.names.len());
    for target in 0..data.names.len() {
        targets.push(of_target(run, &model, (&data, &labels, target), &plain)?);
        run.progress.advance(1);
    }
    let (fit, has_none) = (&model.fit, model.fit.inference_left_out.is_some());
    compare_condition(fit.condition, fit.targets.len(), has_none, &mut targets);
    Ok(Outcome { data, tolerance: model.fit.tolerance, study: model.study, targets, is_labelled: true })
}

fn of_target(
    run: &Run,
    model: &CategoricalFile,
    (data, labels, target): (&Data, &Labels, usize),
    plain: &Plain,
) -> Result<Checked> {
    let fit = &model.fit;
    let name = data.names[target].clone();
    let place = fit.targets.iter().position(|own| own.name == name);
    let place = place.or((fit.targets.len() == 1).then_some(0));
    let Some(own) = place.map(|place| &fit.targets[place]) else {
        let present = fit.targets.iter().map(|own| own.name.clone()).collect();
        return Err(Error::Unknown { kind: "target", name, place: "the model".into(), present });
    };
    let Some(part) = data.parts.iter().find(|part| part.group.targets.contains(&target)) else {
        return Err(Error::Empty {
            what: name,
            problem: "no bin is used".into(),
            help: "choose the data of the fit".into(),
        });
    };
    let help = "check the model on the rows that it was fitted to";
    let response = of_classes(labels, data, target, (&own.classes, help))?;
    let class: Vec<usize> = part.used.iter().filter_map(|&bin| response.code(bin)).collect();
    let columns = OwnColumns::new(
        (&part.group.pieces, own.apart.as_ref().map_or(&[][..], |apart| &apart.unseen)),
        (&fit.labels, &fit.features),
        data,
    )?;
    let regularizer = match &own.apart {
        Some(apart) => columns.regularizer(&apart.regularizer, [None; 2], &fit.features)?,
        None => {
            let strengths = [own.strength, fit.targets.first().and_then(|first| first.strength)];
            columns.regularizer(&fit.regularizer, strengths, &fit.features)?
        }
    };
    let rows = PartRows { plain, data, pieces: &columns.pieces, used: &part.used };
    let moments = Moments::of(&rows, fit.has_intercept)?;
    let n_classes = own.classes.len();
    let weights: Option<Vec<f64>> =
        data.row_terms.weights.as_ref().map(|all| part.used.iter().map(|&bin| all[bin]).collect());
    let offset: Option<Vec<f64>> = data.row_terms.offset.as_ref().map(|all| {
        let n = data.row_terms.n_offsets;
        part.used.iter().flat_map(|&bin| all[bin * n..(bin + 1) * n].iter().copied()).collect()
    });
    let coef = columns.of_rows(&own.coef, n_classes);
    let problem = ClassProblem {
        rows: &rows,
        moments: &moments,
        class: &class,
        weights: weights.as_deref(),
        offset: offset.as_deref(),
        has_intercept: fit.has_intercept,
        regularizer: &regularizer,
        features: &columns.features,
        coef: &coef,
        intercept: &own.intercept,
    };
    let size = [part.used.len(), n_classes * (1 + rows.n_columns()), data.names.len()];
    let found = certify_classes(&problem, wants_hessian(run, size)?)?;
    let mut standard_errors = columns.of_rows(&own.standard_errors, n_classes);
    standard_errors.extend(&own.intercept_standard_error);
    let is_alone = fit.targets.len() == 1;
    let stored = Stored {
        status: own.status,
        tolerance: fit.tolerance,
        kkt_residual: own.kkt_residual,
        loss_gap: own.loss_gap,
        by_hessian: own.gap_from == GapFrom::Hessian,
        gap_scale: own.gap_scale,
        loss: own.loss,
        log_likelihood: own.scores.log_likelihood,
        log_likelihood_sum: own.scores.log_likelihood_sum,
        dof_resid: Some(own.dof_resid),
        deviance: own.scores.deviance,
        pseudo_r2: [own.scores.pseudo_r2_mcfadden, own.scores.pseudo_r2_cohen],
        scale: 1.0,
        standard_errors,
        has_no_errors: fit.inference_left_out.is_some() || own.status != Status::Converged,
        labels: columns.labels.clone(),
        aliased: own.aliased.clone(),
        rests: vec![false; coef.len()],
        intercept: own.intercept[0],
        scale_standard_error: f64::NAN,
        n_rows: own.n_bins_used,
        rank: Some(fit.rank).filter(|_| is_alone && regularizer == Regularizer::None),
    };
    let worst = found.worst_column.map(|column| columns.labels[column].clone());
    let verdict = Verdict::new(&stored, &found);
    Ok(Checked { name, stored, found: Some(found), worst, verdict })
}
