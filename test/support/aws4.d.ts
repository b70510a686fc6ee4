declare module 'aws4' {
  export default aws4;
  const aws4: {
    sign(
      request: Readonly<Record<string, unknown>>,
      credentials: {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken?: string;
      },
    ): { readonly headers: Readonly<Record<string, string>> };
  };
}
