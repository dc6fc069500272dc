import { fileURLToPath } from 'node:url';

import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { API, type Project, type Symbol as TypeSymbol, SymbolFlags } from 'typescript/unstable/sync';

import { declarationOf } from './api-declaration.ts';

/** A name that an entry of the package exports, or that one of its types refers to. */
export interface DocumentedName {
  name: string;
  kind: 'function' | 'class' | 'type';
  /** The TSDoc of the name, without the tags. */
  summary: string;
  tags: readonly { name: string; text: string }[];
  /** The declaration as in a .d.ts file, with the TSDoc of its members. */
  declaration: string;
}

export interface EntryNames {
  exported: DocumentedName[];
  /** Our types that are not exported. */
  unnamed: DocumentedName[];
}

/** The exports of the given files, as the compiler lists them. */
export function readEntries(root: URL, files: readonly string[]): EntryNames[] {
  const folder = fileURLToPath(root);
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${folder}tsconfig.json`] }).getProjects();
    if (!project) throw new Error('tsconfig.json is no project for the compiler');
    return files.map((file) => entryNames(project, folder, file));
  } finally {
    api.close();
  }
}

function entryNames(project: Project, folder: string, file: string): EntryNames {
  const { checker, program } = project;
  const source = program.getSourceFile(`${folder}${file}`);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} exports nothing`);
  const seen = new Set<string>();
  const exported = checker.getExportsOfModule(module).map((symbol) => {
    seen.add(symbol.name);
    const target = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return describe(project, symbol.name, target);
  });
  const all = [...exported];
  // The list grows during the loop: a type found here may refer to more types.
  for (const { names, node } of all) all.push(...spokenOf(project, { names, node, seen, folder }));
  const documented = all.map((described) => described.documented);
  return { exported: documented.slice(0, exported.length), unnamed: documented.slice(exported.length) };
}

interface Described {
  documented: DocumentedName;
  node: Node;
  /** The types that the declaration refers to. */
  names: readonly string[];
}

function describe(project: Project, name: string, symbol: TypeSymbol): Described {
  const { checker } = project;
  const [node] = symbol.declarations.map((declaration) => declaration.resolve(project));
  if (!node) throw new Error(`${name} has no declaration`);
  const declaration = declarationOf(project, node, symbol);
  const documented = {
    name,
    kind: kindOf(node),
    summary: checker.getDocumentationCommentOfSymbol(symbol),
    tags: checker.getJsDocTagsOfSymbol(symbol).map((tag) => ({ name: tag.name, text: tag.text ?? '' })),
    declaration,
  };
  const withoutComments = declaration.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/'[^'\n]*'|"[^"\n]*"/g, '');
  return { documented, node, names: withoutComments.match(/\b[A-Z]\w+\b/g) ?? [] };
}

function spokenOf(
  project: Project,
  { names, node, seen, folder }: Pick<Described, 'names' | 'node'> & { seen: Set<string>; folder: string },
): Described[] {
  return names.flatMap((name) => {
    if (seen.has(name)) return [];
    seen.add(name);
    const found = project.checker.resolveName(name, SymbolFlags.Type | SymbolFlags.Alias, node);
    if (!found) return [];
    const symbol = found.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(found) : found;
    const [declaration] = symbol.declarations;
    const isOurs = declaration?.path.toLowerCase().startsWith(`${folder}src/`.toLowerCase()) ?? false;
    if (!isOurs || declaration?.kind === SyntaxKind.TypeParameter) return [];
    return [describe(project, name, symbol)];
  });
}

function kindOf(node: Node): DocumentedName['kind'] {
  if (node.kind === SyntaxKind.ClassDeclaration) return 'class';
  const isValue = node.kind === SyntaxKind.FunctionDeclaration || node.kind === SyntaxKind.VariableDeclaration;
  return isValue ? 'function' : 'type';
}
