import * as z from 'zod';

interface Special {
  /** A variable with another name than the setting's; `null` for a setting that can only be given in code. */
  variable?: string | null;
  /** Another spelling of the variable that other programs use. */
  alias?: string;
  /** The value can also be read from the file that `<variable>_FILE` names. */
  fromFile?: true;
  /** The value is a key or token: see `meantBy`. */
  isSecret?: true;
}

/** The settings that differ from most others in their variable. */
export const special = z.registry<Special>();
