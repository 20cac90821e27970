"""People without a shared identifier: records compared field by field, weighed by a trained model, proposed as one."""
