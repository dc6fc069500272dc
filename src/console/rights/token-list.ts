import * as z from 'zod';
import { withoutMark } from '../../shared/config/given-text.ts';
import { notCompiled } from '../../shared/config/together.ts';
import { type Contents, valueInFile } from '../../shared/config/secret-file.ts';
import { consoleToken } from '../../shared/config/values.ts';
import { describeIssue, formatPath, MAX_ISSUES } from '../../shared/validation/issues.ts';
import { opaqueText } from '../../shared/validation/rules.ts';
import { type Rights, roles } from './rights.ts';

/** A token of the console, with its name and its rights. */
export interface NamedToken extends Rights {
  name: string;
  token: string;
}

const FORM = '[{ "name": "anna", "token": "…", "role": "operate", "pages": ["p1"] }]';
const MAX_TOKENS = 200;
/** The console reads each of them for a list of the pages. */
const MAX_PAGES = 50;

const listRule = z
  .array(
    z.strictObject(
      {
        name: z.string().regex(/^[\w.@+-]{1,64}$/, 'must be 1 to 64 letters, digits, "-", "_", ".", "@" or "+"'),
        token: consoleToken,
        role: z.enum(roles),
        pages: z
          .array(opaqueText(256))
          .min(1, 'must name a page; leave the field out for all pages')
          .max(MAX_PAGES, `must name at most ${MAX_PAGES} pages`)
          .optional(),
      },
      // An unknown field is not quoted: a file that has fields and values the wrong way round has tokens there.
      {
        error: ({ code }) =>
          code === 'unrecognized_keys' ? 'has a field other than name, token, role and pages' : undefined,
      },
    ),
    { error: `must have the form ${FORM}` },
  )
  .min(1, `must have at least one token, in the form ${FORM}`)
  .max(MAX_TOKENS, `must have at most ${MAX_TOKENS} tokens`);

/** Reads a JSON list of tokens. No problem quotes the file. */
export function parseTokens(contents: string): Contents<readonly NamedToken[]> {
  const text = withoutMark(contents);
  const file = valueInFile(text);
  if ('problem' in file) return { problems: [file.problem] };
  const json = jsonOf(text);
  if (json === undefined) return { problems: [`names a file that is not JSON of the form ${FORM}`] };
  const { data, error } = listRule.safeParse(json, { ...notCompiled, error: describeIssue });
  if (error) {
    const problems = error.issues.map(({ path, message }) => `${formatPath(path) || 'the list'}: ${message}`);
    return { problems: problems.slice(0, MAX_ISSUES) };
  }
  const problems = [...repeated(data, 'name'), ...repeated(data, 'token')];
  if (problems.length > 0) return { problems: problems.slice(0, MAX_ISSUES) };
  const tokens = data.map(({ name, token, role, pages }) => ({
    name,
    token,
    role,
    pages: pages ? new Set(pages) : null,
  }));
  return { value: tokens };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Two people with one token, or one name, could not be told apart. */
function repeated(entries: readonly Pick<NamedToken, 'name' | 'token'>[], field: 'name' | 'token'): string[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    if (seen.has(entry[field])) return [`[${index}].${field}: is the same as that of an entry before it`];
    seen.add(entry[field]);
    return [];
  });
}
