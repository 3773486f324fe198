// The API's page: Swagger UI from the installed package, reading our own description.
/* global SwaggerUIBundle */
SwaggerUIBundle({
  url: "/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout", supportedSubmitMethods: ["get"],
});
