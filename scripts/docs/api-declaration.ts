import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import type { Project, Symbol as TypeSymbol, Type } from 'typescript/unstable/sync';

/** From a schema, a list of values, or another type. */
const DERIVED = /z\.infer<|\[Key in |\(typeof |\w\['/;

/** Says by itself what it makes of another type. */
const GENERIC = /^export type \w+</;

/** The declaration of a name as its users see it: without bodies and private members, with derived types written out. */
export function declarationOf(project: Project, node: Node, symbol: TypeSymbol): string {
  const source = node.getSourceFile();
  const text = node.getText(source);
  switch (node.kind) {
    case SyntaxKind.FunctionDeclaration:
      return `${textBefore(bodyOf(node), node, source).replace(/^export (?:async )?/, '')};`;
    case SyntaxKind.VariableDeclaration:
      return `const ${text.slice(0, text.indexOf(' = '))};`;
    case SyntaxKind.ClassDeclaration:
      return classOutline(node, source);
    case SyntaxKind.TypeAliasDeclaration:
      return DERIVED.test(text) && !GENERIC.test(text) ? writtenOut(project, symbol) : text.replace(/^export /, '');
    default:
      return text.replace(/^export /, '');
  }
}

function bodyOf(node: Node): Node | undefined {
  return (node as { body?: Node }).body;
}

function textBefore(part: Node | undefined, node: Node, source: SourceFile): string {
  const text = node.getText(source);
  return part ? text.slice(0, part.getStart(source) - node.getStart(source)).trimEnd() : text;
}

/** The constructor and static members are left out, because users only meet instances. */
function classOutline(node: Node, source: SourceFile): string {
  const { members } = node as Node & { members: readonly Node[] };
  const text = node.getText(source);
  const head = text.slice(0, text.indexOf('{') + 1).replace(/^export /, '');
  const outlines = members.flatMap((member) => {
    const outline = textBefore(bodyOf(member), member, source);
    if (member.kind === SyntaxKind.Constructor || /^(?:readonly #|#|static |protected )/.test(outline)) return [];
    return [`  ${commentAbove(source, member)}${outline.replace(/^override /, '').replace(/;?$/, ';')}`];
  });
  return [head, ...outlines, '}'].join('\n');
}

function commentAbove(source: SourceFile, member: Node): string {
  const between = source.text.slice(member.pos, member.getStart(source));
  const at = between.lastIndexOf('/**');
  return at === -1 ? '' : between.slice(at);
}

const NO_TRUNCATION = 1;
const MULTILINE = 1 << 10;
const IN_ALIAS = 1 << 23;
const LONG = 6;

/** A type derived from a schema, written out by the compiler. A part that would occur several times gets a name. */
function writtenOut(project: Project, symbol: TypeSymbol): string {
  const { checker } = project;
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  let text = print(project, type);
  const extracted: string[] = [];
  const [variant = type] = type.isUnionType() ? type.getTypes() : [];
  for (const property of variant.isObjectType() ? checker.getPropertiesOfType(variant) : []) {
    const found = checker.getTypeOfSymbol(property);
    const inner = found && checker.getNonNullableType(found);
    const part = inner ? print(project, inner) : '';
    if (part.split('\n').length < LONG) continue;
    const alias = inner?.getAliasSymbol()?.name;
    const name = alias ?? property.name.charAt(0).toUpperCase() + property.name.slice(1);
    text = text.replaceAll(sameButSpaces(part), name);
    if (alias === undefined) extracted.push(`type ${name} = ${part};`);
  }
  return [`type ${symbol.name} = ${text};`, ...extracted].join('\n\n');
}

function print(project: Project, type: Type): string {
  const text = project.checker.typeToString(type, undefined, NO_TRUNCATION | MULTILINE | IN_ALIAS);
  return text.replaceAll('    ', '  ').replaceAll('"', "'");
}

function sameButSpaces(text: string): RegExp {
  const words = text.split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(words.join(String.raw`\s+`), 'g');
}
