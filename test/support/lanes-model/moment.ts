import type { Model } from './model.ts';
import type { Snapshot } from './snapshot.ts';

/** A step of the model, for invariants that compare. */
export interface Moment {
  model: Model;
  /** The same before the command. */
  before: { seen: Snapshot; rules: Model['rules'] };
}
