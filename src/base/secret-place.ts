/** Where a user says that a secret is, which is never the secret itself. */
export type SecretPlace =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };
