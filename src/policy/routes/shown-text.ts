/**
 * A file of routes as complaints may show it: its lines go to standard error and into logs, and a secret that was put
 * there by mistake must not.
 */

const SECRET_KEY =
  /^(\s*(?:-\s+)?(?:[{,]\s*)?["']?[\w.-]*(?:key|token|secret|password|passwd|credential|authorization|cookie)["']?\s*:\s*)(\S.*)$/gim;
const HARMLESS = /^["']?(?:env:[A-Za-z_]\w{0,63}|file:[^\s:]*|fd:\d+)["']?\s*(?:#.*)?$|^[0-9]+$/;
/** Prefixes that providers give their keys, and anything long that is written in one of the alphabets of keys. */
const LOOKS_SECRET =
  /\b(?:sk|pk|rk|nvapi|gsk|hf|xai|AKIA|AIza|ya29|eyJ)[-_A-Za-z0-9.]{12,}|\b(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9+/_]{32,}={0,2}/g;

/** Lines and columns stay what they are. */
export function shownText(text: string): string {
  const stars = (secret: string): string => '*'.repeat(secret.length);
  return text
    .replace(SECRET_KEY, (line, key: string, value: string) =>
      HARMLESS.test(value) ? line : key + stars(value),
    )
    .replace(LOOKS_SECRET, stars);
}
