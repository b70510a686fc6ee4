/** The forms in which a server may send a secret back: as it is, and as programs usually write it down. */

/** Texts of a secret, each as ASCII or UTF-8; `plain` ones read as the secret itself where they stand. */
export interface SecretForm {
  readonly text: string;
  /** How a placeholder is written in that place; null: it cannot be. */
  readonly write: ((placeholder: string) => string) | null;
}

export function secretForms(secret: string): SecretForm[] {
  const forms = new Map<string, SecretForm['write']>();
  const add = (text: string, write: SecretForm['write']): void => {
    if (!forms.has(text)) forms.set(text, write);
  };
  const asItIs = (placeholder: string): string => placeholder;
  add(secret, asItIs);
  for (const text of jsonForms(secret)) add(text, asItIs);
  for (const text of escapedForms(secret)) add(text, encodeURIComponent);
  add(htmlForm(secret), asItIs);
  for (const text of base64Forms(secret)) add(text, null);
  const hex = Buffer.from(secret).toString('hex');
  add(hex, null);
  add(hex.toUpperCase(), null);
  return [...forms].map(([text, write]) => ({ text, write }));
}

const CHARACTERS_GO = /[<>&\u2028\u2029]/g;
const CHARACTERS_DOTNET = /[<>&+'`\u007f-\uffff]/g;

/** As JSON.stringify writes it; with `\/` (PHP); with escapes for HTML, of Go and of .NET. */
function jsonForms(secret: string): string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const escaped = (characters: RegExp, upper: boolean): string =>
    plain.replace(characters, (c) => {
      const digits = c.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${upper ? digits.toUpperCase() : digits}`;
    });
  return [
    plain,
    plain.replaceAll('/', '\\/'),
    escaped(CHARACTERS_GO, false),
    escaped(CHARACTERS_DOTNET, false),
    escaped(CHARACTERS_DOTNET, true),
  ];
}

/** RFC 3986 and forms: what stays as it is differs, and so does the case of the digits. */
function escapedForms(secret: string): string[] {
  const component = encodeURIComponent(secret);
  const strict = component.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = strict.replaceAll('%20', '+');
  const uri = encodeURI(secret);
  const lower = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase());
  return [component, strict, form, uri].flatMap((text) => [text, lower(text)]);
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const htmlForm = (secret: string): string => secret.replace(/[&<>"']/g, (c) => HTML[c]!);

/** At each of the three places where it can begin in a longer text, without the digits that its neighbours share. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((shifted.length * 8) / 6);
    const digits = shifted.toString('base64').slice(first, last);
    const url = digits.replaceAll('+', '-').replaceAll('/', '_');
    const escaped = digits.replaceAll('+', '%2B').replaceAll('/', '%2F');
    return [digits, url, escaped, escaped.replaceAll('%2B', '%2b').replaceAll('%2F', '%2f')];
  });
}
