"""An application with Optimizely's Python SDK as its documentation shows it: no address is named anywhere."""

from optimizely import optimizely

client = optimizely.Optimizely(sdk_key="SHOPkA7pQ2mXv9Rt")
ada = client.create_user_context("ada", {"plan": "gold"})
print(ada.decide("checkout").variation_key)
ada.track_event("Product Added", {"value": 19.5})
client.close()
client.config_manager.stop()
