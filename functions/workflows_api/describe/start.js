// What the page shows, and how. A file of its own, so that the page's Content-Security-Policy can refuse inline scripts.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  filter: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false, // a key is gone with the page
  validatorUrl: null, // nothing is sent elsewhere
});
