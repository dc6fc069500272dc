export const roles = ['view', 'operate', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What a token lets its bearer see and do. */
export interface Rights {
  role: Role;
  /** The pages that the bearer sees and acts on; `null` for all. */
  pages: ReadonlySet<string> | null;
}

/** What can be done in the console, with the lowest role that may do it. */
export const lowestRoles = {
  look: 'view',
  'read actions': 'operate',
  hold: 'operate',
  release: 'operate',
  cancel: 'operate',
  replay: 'operate',
  discard: 'operate',
  settle: 'operate',
  repair: 'operate',
  // It can change what a message says, and who receives it.
  edit: 'admin',
  // It can't be undone, and nobody has looked at each of the entries.
  'discard all': 'admin',
} as const satisfies Record<string, Role>;
export type Action = keyof typeof lowestRoles;

/** What an action concerns: a page (`null` if it is not known), all pages, or none. */
export type Target = { page: string | null } | 'installation' | 'none';

/** Whether a visitor with these rights may do this. Pure. */
export function mayDo(rights: Rights, action: Action, target: Target): boolean {
  return whyRefused(rights, action, target) === null;
}

/** Returns why an action is refused, as a sentence that names no page; `null` if it is allowed. */
export function whyRefused({ role, pages }: Rights, action: Action, target: Target): string | null {
  const needed = lowestRoles[action];
  if (roles.indexOf(role) < roles.indexOf(needed)) {
    return `This needs a token with the role ${needed}; yours has the role ${role}.`;
  }
  if (pages === null || target === 'none') return null;
  if (target === 'installation') return 'This concerns all pages, and your token is only for some of them.';
  return target.page !== null && pages.has(target.page) ? null : 'Your token is not for this page.';
}
