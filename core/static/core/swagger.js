"use strict";

SwaggerUIBundle({
  url: document.getElementById("swagger").dataset.schema,
  dom_id: "#swagger",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  // The badge of the validator would send the address of this server to another host.
  validatorUrl: null,
});
